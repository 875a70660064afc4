import { expect, it } from "vitest";
import { FrameError, UnavailableError } from "../exchange.ts";
import { hear } from "../testing.ts";
import { history } from "./history.ts";

// The row of Korbit's documentation, with the id that its table of fields promises.
const row = (n: number) =>
  `{"timestamp":${1708057271149 - n},"price":"70507000","qty":"0.00981535","isBuyerTaker":false,"tradeId":${30_000_000 - n}}`;
const body = (count: number) =>
  `{"success":true,"data":[${Array.from({ length: count }, (_, n) => row(n)).join(",")}]}`;
const tell = (answer: string) =>
  hear(history, { instrument: "korbit:BTC-KRW", nativeSymbol: "btc_krw" }, { since: 1708057271000 }, [answer]);

it("reads a row exactly; when the buyer was no taker, the taker sold", () => {
  const [sold, bought] = history.read(body(2).replace(/false(?!.*false)/, "true"), "korbit:BTC-KRW");
  expect(sold).toEqual({
    type: "trade",
    instrument: "korbit:BTC-KRW",
    id: "30000000",
    price: "70507000",
    size: "0.00981535",
    side: "sell",
    time: 1708057271149,
    received: null,
    snapshot: false,
  });
  expect(bought).toMatchObject({ id: "29999999", side: "buy" });
});

it("asks once for the newest 500", async () => {
  const { asked, trades } = await tell(body(500));
  expect(asked).toEqual(["/v2/trades?symbol=btc_krw&limit=500"]);
  expect(trades).toHaveLength(500);
});

it("tells from the oldest of 500 on, and everything when there are fewer", async () => {
  expect((await tell(body(500))).from).toBe(1708057271149 - 499);
  expect((await tell(body(499))).from).toBe(0);
  expect(await tell(body(0))).toMatchObject({ trades: [], from: 0 });
});

it.each([
  [body(2).replace('"tradeId":29999999', '"id":29999999'), "data.1.tradeId: missing"],
  [body(1).replace("1708057271149", "1708057271"), "data.0.timestamp: not milliseconds"],
  ['{"success":1,"data":[]}', "success: "],
])("refuses %s", async (answer, reason) => {
  await expect(tell(answer)).rejects.toThrow(reason);
  expect(() => history.read(answer, "korbit:BTC-KRW")).toThrow(FrameError);
});

it("takes an error that comes with HTTP 200 for one that passes, and as no trades for who reads it again", async () => {
  const answer = '{"success":false,"error":{"message":"MAINTENANCE"}}';
  await expect(tell(answer)).rejects.toThrow(UnavailableError);
  await expect(tell(answer)).rejects.toThrow("MAINTENANCE");
  expect(history.read(answer, "korbit:BTC-KRW")).toEqual([]);
});

it("stays below 50 requests a second", () => {
  expect((history.requests.count / history.requests.per) * 1000).toBeLessThan(50);
});
