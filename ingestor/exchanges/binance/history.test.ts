import { describe, expect, it } from "vitest";
import { FrameError, type TimeRange } from "../exchange.ts";
import { hear } from "../testing.ts";
import { history } from "./history.ts";

// Rows of Binance's documentation.
const TRADE =
  '{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,' +
  '"isBuyerMaker":true,"isBestMatch":true}';
const AGGREGATE =
  '{"a":26129,"p":"0.01633102","q":"4.70443515","f":28457,"l":28459,"T":1499865549590,"m":true,"M":true}';

const FIRST = 28_457;
const SINCE = 1_499_865_549_000;
/** Trades with these ids, one in each millisecond. */
const page = (from: number, count: number) =>
  `[${Array.from({ length: count }, (_, n) => TRADE.replace("28457", String(from + n)).replace("1499865549590", String(timeOf(from + n)))).join(",")}]`;
const timeOf = (id: number) => SINCE + id - FIRST;
const asking = (fromId: number) => `/api/v3/historicalTrades?symbol=BNBBTC&fromId=${fromId}&limit=1000`;
const tell = (range: Partial<TimeRange>, bodies: readonly string[], nativeSymbol = "BNBBTC") =>
  hear(history, { instrument: "binance:BNB-BTC", nativeSymbol }, { until: SINCE + 60_000, ...range }, bodies);

it("reads a row exactly; when the buyer was the maker, the taker sold", () => {
  const bought = TRADE.replace("28457", "9007199254740993").replace('Maker":true', 'Maker":false');
  expect(history.read(`[${TRADE},${bought}]`, "binance:BNB-BTC")).toEqual([
    {
      type: "trade",
      instrument: "binance:BNB-BTC",
      id: "28457",
      price: "4.000001",
      size: "12",
      side: "sell",
      time: 1499865549590,
      received: null,
      snapshot: false,
    },
    expect.objectContaining({ id: "9007199254740993", side: "buy" }),
  ]);
});

it("takes aggregates for no trades: their ids are others", () => {
  expect(history.read(`[${AGGREGATE}]`, "binance:BNB-BTC")).toEqual([]);
  expect(history.read("[]", "binance:BNB-BTC")).toEqual([]);
});

describe("from a known trade on", () => {
  it("tells that one too, and all that follow", async () => {
    const { asked, trades, from } = await tell({ since: SINCE, lastId: "28457" }, [page(FIRST, 3)]);
    expect(asked).toEqual([asking(FIRST)]);
    expect(trades.map(({ id }) => id)).toEqual(["28457", "28458", "28459"]);
    expect(from).toBe(SINCE);
  });

  it("asks by time where ids have begun anew below it", async () => {
    const { asked, trades, from } = await tell({ since: SINCE, lastId: "99999999" }, [
      "[]",
      `[${AGGREGATE}]`,
      page(FIRST, 2),
    ]);
    expect([asked[0], asked[1]?.includes("aggTrades"), asked[2]]).toEqual([asking(99_999_999), true, asking(FIRST)]);
    expect(trades.map(({ id }) => id)).toEqual(["28457", "28458"]);
    expect(from).toBe(SINCE);
  });

  it("goes on behind each full page, beyond 2^53 as well", async () => {
    const { asked, trades } = await tell({ since: SINCE, lastId: "28457" }, [
      page(FIRST, 1000),
      page(29_457, 1000),
      "[]",
    ]);
    expect(asked).toEqual([asking(FIRST), asking(29_457), asking(30_457)]);
    expect(trades).toHaveLength(2000);
    const big = page(FIRST, 1000).replace('"id":29456', '"id":9007199254740993');
    expect((await tell({ since: SINCE, lastId: "28457" }, [big, "[]"])).asked[1]).toContain("fromId=9007199254740994&");
  });

  it("ends with a page that reaches beyond the range", async () => {
    const range = { since: SINCE, until: timeOf(FIRST + 998), lastId: "28457" };
    expect((await tell(range, [page(FIRST, 1000)])).asked).toHaveLength(1);
  });

  it("says from when on it tells, where the known one is forgotten", async () => {
    const { from } = await tell({ since: SINCE - 5000, lastId: "20000" }, [page(FIRST, 3)]);
    expect(from).toBe(timeOf(FIRST));
    expect((await tell({ since: SINCE - 5000, lastId: "20000" }, ["[]", "[]"])).from).toBe(SINCE + 60_000);
  });
});

describe("without a known trade", () => {
  it("begins with the first one since then, which an aggregate names", async () => {
    const { asked, trades, from } = await tell({ since: SINCE }, [`[${AGGREGATE}]`, page(FIRST, 3)]);
    expect(asked).toEqual([`/api/v3/aggTrades?symbol=BNBBTC&startTime=${SINCE}&limit=1`, asking(FIRST)]);
    expect(trades).toHaveLength(3);
    expect(from).toBe(SINCE);
  });

  it("tells nothing where nothing was traded since", async () => {
    expect(await tell({ since: SINCE }, ["[]"])).toMatchObject({ trades: [], from: SINCE });
  });
});

it("asks for symbols of any script", async () => {
  const { asked } = await tell({ since: SINCE, lastId: "1" }, ["[]", "[]"], "币安人生USDT");
  expect(asked[0]).toBe("/api/v3/historicalTrades?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&fromId=1&limit=1000");
});

it.each([
  [`[${TRADE},${TRADE.replace('"4.00000100"', '"-4"')}]`, "1.price: not a number of 0 or more"],
  [`[${TRADE.replace("1499865549590", "1499865549590123")}]`, "0.time: not milliseconds"],
  ['{"code":-1121,"msg":"Invalid symbol."}', "expected array"],
])("refuses %s", async (body, reason) => {
  await expect(tell({ lastId: "28457" }, [body])).rejects.toThrow(reason);
  expect(() => history.read(body, "binance:BNB-BTC")).toThrow(FrameError);
});

it("stays within 6000 of weight a minute, at 25 a page", () => {
  expect((history.requests.count / history.requests.per) * 60_000 * 25).toBeLessThan(6000);
});
