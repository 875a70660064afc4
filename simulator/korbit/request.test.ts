import { expect, test } from "vitest";
import { failFrame, readRequests, successFrame } from "./request.ts";

test("reads an array of requests, each symbol once", () => {
  const text = `[{"requestId":1,"method":"subscribe","type":"trade","symbols":["btc_krw","eth_krw","btc_krw"]},{"method":"unsubscribe","type":"orderbook","level":"1000","symbols":["btc_krw"]}]`;
  expect(readRequests(text)).toEqual([
    { method: "subscribe", type: "trade", symbols: ["btc_krw", "eth_krw"], requestId: 1 },
    { method: "unsubscribe", type: "orderbook", symbols: ["btc_krw"], requestId: undefined },
  ]);
});

test.each([`{"method":"subscribe","type":"trade","symbols":["btc_krw"]}`, "not json", "[1]", "null"])(
  "%s is no array of requests",
  (text) => expect(readRequests(text)).toBeUndefined(),
);

test.each([
  [{ method: "subscribe", type: "nope", symbols: ["btc_krw"], requestId: 4 }, "unknown_type"],
  [{ method: "nope", type: "trade", symbols: ["btc_krw"], requestId: 4 }, "unknown_method"],
  [{ method: "subscribe", type: "trade", symbols: [], requestId: 4 }, "invalid_symbols"],
  [{ method: "subscribe", type: "trade", requestId: 4 }, "invalid_symbols"],
])("%j is refused as %s", (request, message) => {
  expect(readRequests(JSON.stringify([request]))).toEqual([
    { method: "refused", code: "INVALID_REQUEST", message, requestId: 4 },
  ]);
});

test("answers success only to who gave an id, and a failure to all", () => {
  expect(successFrame(1)).toBe(`{"status":"success","requestId":1}`);
  expect(successFrame(undefined)).toBeUndefined();
  expect(failFrame({ code: "INVALID_SYMBOL", message: "y" }, undefined)).toBe(
    `{"status":"fail","code":"INVALID_SYMBOL","message":"y"}`,
  );
});
