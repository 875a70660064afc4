import { expect, it } from "vitest";
import { addressOf } from "./client-address.ts";

const asked = (address: string) =>
  addressOf(new Request("https://a.test", { headers: { "CF-Connecting-IP": address } }));

it.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
  ["2001:db8::9", "2001:db8:0:0::/64"],
  ["2001:db8:1:2::", "2001:db8:1:2::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::ffff:203.0.113.7", "::ffff:203.0.113.7"],
])("%s is limited as %s", (address, limited) => {
  expect(asked(address)).toBe(limited);
});

it("who is not named is nobody", () => {
  expect(addressOf(new Request("https://a.test"))).toBeUndefined();
  expect(asked("")).toBeUndefined();
});

it("takes whatever a developer writes there", () => {
  for (const odd of [":", ":::", "a:b", "1:2:3:4:5:6:7:8:9::", "x".repeat(300)])
    expect(asked(odd)).toBeTypeOf("string");
});
