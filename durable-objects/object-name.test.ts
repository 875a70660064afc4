import { expect, it } from "vitest";
import { instrumentOf, objectName } from "./object-name.ts";

it("keeps the objects of live prices apart from all others, and finds the instrument in either", () => {
  expect(
    [undefined, "live", "simulated", "replay"].map((prices) => objectName(prices as "live", "upbit:BTC-KRW")),
  ).toEqual(["upbit:BTC-KRW", "upbit:BTC-KRW", "simulated/upbit:BTC-KRW", "replay/upbit:BTC-KRW"]);
  expect(["upbit:BTC-KRW", "simulated/upbit:BTC-KRW"].map(instrumentOf)).toEqual(["upbit:BTC-KRW", "upbit:BTC-KRW"]);
});
