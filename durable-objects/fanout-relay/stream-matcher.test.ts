import { expect, it } from "vitest";
import { StreamMatcher } from "./stream-matcher.ts";

it("finds a stream's names anew when what is wanted has changed, and only then", () => {
  const wanted = new Set(["upbit:*-KRW@trade@raw", "*:*-*@trade@raw", "upbit:*-KRW@ticker@raw"]);
  let version = 0;
  let asked = 0;
  const matcher = new StreamMatcher(
    (name) => {
      asked += 1;
      return wanted.has(name);
    },
    () => version,
  );
  const stream = "upbit:BTC-KRW@trade@raw";
  expect([...matcher.names(stream)].sort()).toEqual(["*:*-*@trade@raw", "upbit:*-KRW@trade@raw"]);
  expect([matcher.names(stream).length, asked]).toEqual([2, 8]);
  wanted.add(stream);
  version += 1;
  expect(matcher.names(stream)).toContain(stream);
  matcher.forget(new Set(["upbit:BTC-KRW"]));
  expect(matcher.names(stream)).toHaveLength(3);
});
