import { beforeEach, describe, expect, it, vi } from "vitest";
import type { TimeRange } from "../exchange.ts";
import { FrameError, HistoryError } from "../exchange.ts";
import { hear } from "../testing.ts";
import { history } from "./history.ts";

const FIRST = "/v1/trades/ticks?market=KRW-BTC&count=500";
const DAY = 86_400_000;
const at = (time: string) => Date.parse(`2026-07-${time}Z`);

// A row of 2026-07-30, as it was published; its volume is spelt as that of another one.
const ROW =
  '{"market":"KRW-BTC","trade_date_utc":"2026-07-30","trade_time_utc":"07:04:03","timestamp":1785395043779,' +
  '"trade_price":91361000.0,"trade_volume":5.485e-05,"prev_closing_price":91424000.0,"change_price":-63000.0,' +
  '"ask_bid":"ASK","sequential_id":17853950437790001}';
/** A row of a time, with an id as Upbit makes it. */
const row = (time: number, n = 1) =>
  ROW.replace("1785395043779", String(time)).replace("17853950437790001", `${time}000${n}`);
const page = (...times: number[]) => `[${times.map((time) => row(time)).join(",")}]`;
/** A full page that begins at a time and goes back by a second a row. */
const full = (newest: number) => page(...Array.from({ length: 500 }, (_, n) => newest - n * 1000));
const tell = (range: Partial<TimeRange>, bodies: readonly (string | (() => string))[]) =>
  hear(history, { instrument: "upbit:BTC-KRW", nativeSymbol: "KRW-BTC" }, range, bodies);
const timesOf = (trades: readonly { time: number }[]) => trades.map(({ time }) => time);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: at("30T12:00:00") });
  return () => vi.useRealTimers();
});

it("reads a row exactly, digits, id and taker's side", () => {
  expect(history.read(`[${ROW},${row(1785395043778, 2).replace("ASK", "BID")}]`, "upbit:BTC-KRW")).toEqual([
    {
      type: "trade",
      instrument: "upbit:BTC-KRW",
      id: "17853950437790001",
      price: "91361000",
      size: "0.00005485",
      side: "sell",
      time: 1785395043779,
      received: null,
      snapshot: false,
    },
    expect.objectContaining({ id: "17853950437780002", side: "buy" }),
  ]);
});

describe("a range of today", () => {
  it("is told by one page that reaches behind it", async () => {
    const { asked, trades, from } = await tell({ since: at("30T11:00:00") }, [
      page(at("30T11:30:00"), at("30T11:00:00"), at("30T10:59:59")),
    ]);
    expect(asked).toEqual([FIRST]);
    expect(timesOf(trades)).toEqual([at("30T11:30:00"), at("30T11:00:00"), at("30T10:59:59")]);
    expect(from).toBe(at("30T10:59:59"));
  });

  it("goes on from the oldest id of a full page", async () => {
    const newest = at("30T11:30:00");
    const { asked, trades, from } = await tell({ since: newest - 600_000 }, [full(newest), full(newest - 500_000)]);
    expect(asked).toEqual([FIRST, `${FIRST}&cursor=${newest - 499_000}0001`]);
    expect(trades).toHaveLength(1000);
    expect(from).toBe(newest - 999_000);
  });

  it("is told when the day is used up, be it empty", async () => {
    const since = at("30T11:00:00");
    expect(await tell({ since }, [page(at("30T11:30:00"))])).toMatchObject({ asked: [FIRST], from: at("30T00:00:00") });
    expect(await tell({ since }, ["[]"])).toMatchObject({ asked: [FIRST], trades: [], from: at("30T00:00:00") });
  });
});

describe("a range of several days", () => {
  it("goes on to the day before, until one began before it", async () => {
    const { asked, trades, from } = await tell({ since: at("28T23:00:00") }, [
      page(at("30T00:00:00")),
      "[]",
      page(at("28T23:30:00")),
    ]);
    expect(asked).toEqual([FIRST, `${FIRST}&days_ago=1`, `${FIRST}&days_ago=2`]);
    expect(trades).toHaveLength(2);
    expect(from).toBe(at("28T00:00:00"));
  });

  it("ends where Upbit's seven days do", async () => {
    const { asked, from } = await tell(
      { since: 0 },
      Array.from({ length: 8 }, () => "[]"),
    );
    expect(asked.at(-1)).toBe(`${FIRST}&days_ago=7`);
    expect(from).toBe(at("23T00:00:00"));
  });

  it("takes no row twice where a quiet pair answers with an old day", async () => {
    const old = page(at("27T10:00:00"), at("27T09:00:00"));
    const { asked, trades, from } = await tell({ since: at("26T12:00:00") }, [old, old, page(at("26T11:00:00"))]);
    expect(asked).toHaveLength(3);
    expect(timesOf(trades)).toEqual([at("27T10:00:00"), at("27T09:00:00"), at("26T11:00:00")]);
    expect(from).toBe(at("26T11:00:00"));
  });
});

describe("at midnight", () => {
  it("an empty page may be of a day that has only begun at Upbit", async () => {
    vi.setSystemTime(at("30T23:59:30"));
    const { asked, trades } = await tell({ since: at("30T23:00:00") }, ["[]", page(at("30T23:10:00"))]);
    expect(asked).toEqual([FIRST, `${FIRST}&days_ago=1`]);
    expect(trades).toHaveLength(1);
  });

  it("a day whose rest is out of reach of its cursor is read again, and no row comes twice", async () => {
    const newest = at("30T23:59:58");
    const since = newest - 600_000;
    vi.setSystemTime(newest);
    const passed = () => {
      vi.setSystemTime(newest + 3000);
      return "[]";
    };
    const { asked, trades, from } = await tell({ since }, [full(newest), passed, full(newest), full(newest - 500_000)]);
    expect(asked.slice(2)).toEqual([`${FIRST}&days_ago=1`, `${FIRST}&days_ago=1&cursor=${newest - 499_000}0001`]);
    expect(new Set(timesOf(trades)).size).toBe(1000);
    expect(trades).toHaveLength(1000);
    expect(from).toBeLessThan(since);
  });

  it("the days of the rows count, not those of our clock", async () => {
    // Ours is a day behind.
    vi.setSystemTime(at("30T12:00:00") - DAY);
    const { asked, from } = await tell({ since: at("29T23:00:00") }, [
      page(at("30T09:00:00")),
      page(at("29T23:30:00")),
    ]);
    expect(asked).toHaveLength(2);
    expect(from).toBe(at("29T00:00:00"));
  });
});

it("gives up when the cursor has no effect", async () => {
  const same = full(at("30T11:30:00"));
  await expect(tell({ since: at("30T00:00:00") }, [same, same])).rejects.toThrow(HistoryError);
});

it.each([
  [ROW.replace('"ASK"', '"BUY"'), "1.ask_bid: not ASK or BID"],
  [ROW.replace('"timestamp":1785395043779,', ""), "1.timestamp: missing"],
  [ROW.replace("17853950437790001", "1.7E16"), "1.sequential_id: not an integer"],
])("refuses %s", async (bad, reason) => {
  const body = `[${ROW},${bad}]`;
  await expect(tell({}, [body])).rejects.toThrow(reason);
  expect(() => history.read(body, "upbit:BTC-KRW")).toThrow(FrameError);
});

it("stays below ten requests a second", () => {
  expect((history.requests.count / history.requests.per) * 1000).toBeLessThan(10);
});
