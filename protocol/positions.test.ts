import fc from "fast-check";
import { expect, it } from "vitest";
import { formatPositions, parsePositions } from "./positions.ts";

it("writes and reads the id of a server-sent event", () => {
  const positions = new Map([
    ["k7f-0", 20931],
    ["k7f-3", 1077],
  ]);
  expect(formatPositions(positions)).toBe("k7f-0:20931,k7f-3:1077");
  expect(parsePositions("k7f-0:20931,k7f-3:1077")).toEqual(positions);
});

it("reads whatever it writes", () => {
  const epoch = fc.stringMatching(/^[a-z0-9]{1,8}-\d{1,3}$/);
  fc.assert(
    fc.property(fc.dictionary(epoch, fc.maxSafeNat()), (record) => {
      const positions = new Map(Object.entries(record));
      expect(parsePositions(formatPositions(positions))).toEqual(positions);
    }),
  );
});

it.each([
  "41",
  "a:b:5",
  "k7f-0",
  "k7f-0:",
  ":5",
  "k7f-0:1.5",
  "k7f-0:-1",
  "k7f-0:1,",
  "k 7:1",
  "k7f-0:9007199254740993",
  "a:1e3",
])("says what is wrong with %j", (text) => {
  expect(() => parsePositions(text)).toThrow(/is not a position: write epoch:seq/);
});

it("reads no list without an end", () => {
  expect(() => parsePositions("a:1,".repeat(2000))).toThrow("at most 1000 positions");
});
