import { beforeEach, describe, expect, it, vi } from "vitest";
import { FrameError, HistoryError, type TimeRange, UnavailableError } from "../exchange.ts";
import { hear } from "../testing.ts";
import { history } from "./history.ts";

const FIRST = "/v1/trades/ticks?market=KRW-ETC&count=500";
/** A time in Korea. */
const at = (time: string) => Date.parse(`2026-07-${time}+09:00`);

// A row of 2026-07-30, as it was published.
const ROW =
  '{"market":"KRW-ETC","trade_date_utc":"2026-07-30","trade_time_utc":"07:47:41","timestamp":1785397661964,' +
  '"trade_price":9620,"trade_volume":10.07,"prev_closing_price":9590,"change_price":30,"ask_bid":"BID",' +
  '"sequential_id":17853976619640000}';
const row = (time: number) => ROW.replace("1785397661964", String(time)).replace("17853976619640000", `${time}0000`);
const page = (...times: number[]) => `[${times.map(row).join(",")}]`;
/** A full page that begins at a time and goes back by a second a row. */
const full = (newest: number) => page(...Array.from({ length: 500 }, (_, n) => newest - n * 1000));
const tell = (range: Partial<TimeRange>, bodies: readonly string[]) =>
  hear(history, { instrument: "bithumb:ETC-KRW", nativeSymbol: "KRW-ETC" }, range, bodies);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: at("30T12:00:00") });
  return () => vi.useRealTimers();
});

it("reads a row exactly, at its true UTC time", () => {
  expect(history.read(`[${ROW}]`, "bithumb:ETC-KRW")).toEqual([
    {
      type: "trade",
      instrument: "bithumb:ETC-KRW",
      id: "17853976619640000",
      price: "9620",
      size: "10.07",
      side: "buy",
      time: Date.parse("2026-07-30T07:47:41.964Z"),
      received: null,
      snapshot: false,
    },
  ]);
});

it("says that its ids are not those of the socket", () => {
  expect(history.sameIds).toBe(false);
});

describe("a range of today", () => {
  it("is told by one page that reaches behind it", async () => {
    const heard = await tell({ since: at("30T11:00:00") }, [page(at("30T11:30:00"), at("30T10:00:00"))]);
    expect(heard).toMatchObject({ asked: [FIRST], from: at("30T10:00:00") });
    expect(heard.trades).toHaveLength(2);
  });

  it("goes on from the oldest id of a full page, whether its row comes again or not", async () => {
    const newest = at("30T11:30:00");
    for (const overlap of [0, 1]) {
      const second = full(newest - (500 - overlap) * 1000);
      const { asked, trades } = await tell({ since: newest - 600_000 }, [full(newest), second]);
      expect(asked).toEqual([FIRST, `${FIRST}&cursor=${newest - 499_000}0000`]);
      expect(new Set(trades.map(({ id }) => id)).size).toBe(trades.length);
      expect(trades).toHaveLength(1000 - overlap);
    }
  });

  it("is told when the Korean day is used up, be it empty", async () => {
    const since = at("30T08:00:00");
    const midnight = at("30T00:00:00");
    expect(await tell({ since }, [page(at("30T08:30:00"))])).toMatchObject({ asked: [FIRST], from: midnight });
    expect(await tell({ since }, ["[]"])).toMatchObject({ asked: [FIRST], from: midnight });
  });
});

describe("a range of several days", () => {
  it("goes on to the day before, with a time of day: without one Bithumb gives the day before that", async () => {
    const { asked, trades, from } = await tell({ since: at("28T23:00:00") }, [
      page(at("30T00:30:00")),
      "[]",
      page(at("28T23:30:00")),
    ]);
    expect(asked).toEqual([FIRST, `${FIRST}&daysAgo=1&to=235959`, `${FIRST}&daysAgo=2&to=235959`]);
    expect(trades).toHaveLength(2);
    expect(from).toBe(at("28T00:00:00"));
  });

  it("takes no row twice where pages go on beyond midnight", async () => {
    const both = page(at("30T00:30:00"), at("29T23:30:00"));
    const { trades, from } = await tell({ since: at("28T12:00:00") }, [
      both,
      page(at("29T23:30:00")),
      page(at("28T11:00:00")),
    ]);
    expect(trades).toHaveLength(3);
    expect(from).toBe(at("28T11:00:00"));
  });

  it("ends where Bithumb's seven days do", async () => {
    const { asked, from } = await tell(
      { since: 0 },
      Array.from({ length: 8 }, () => "[]"),
    );
    expect(asked.at(-1)).toBe(`${FIRST}&daysAgo=7&to=235959`);
    expect(from).toBe(at("23T00:00:00"));
  });

  it("of an empty page just before midnight is not told yet", async () => {
    vi.setSystemTime(at("30T23:59:30"));
    const { asked } = await tell({ since: at("30T23:00:00") }, ["[]", page(at("30T23:10:00"))]);
    expect(asked).toHaveLength(2);
  });
});

describe("an error that comes with HTTP 200", () => {
  const body = '{"error":{"name":404,"message":"Code not found"}}';

  it("is said", async () => {
    await expect(tell({}, [body])).rejects.toThrow(HistoryError);
    await expect(tell({}, [body])).rejects.toThrow("404: Code not found");
  });

  it.each([
    ['{"error":{"name":429,"message":"too many"}}', UnavailableError],
    ['{"error":{"name":503,"message":"maintenance"}}', UnavailableError],
    ['{"error":{"name":"what_is_this"}}', FrameError],
    ['{"status":"5600","message":"점검중"}', FrameError],
  ])("is one that may pass: %s", async (answer, kind) => {
    await expect(tell({}, [answer])).rejects.toThrow(kind);
  });

  it("holds no trades for who reads it again", () => {
    expect(history.read(body, "bithumb:ETC-KRW")).toEqual([]);
  });
});

it("gives up when the cursor has no effect", async () => {
  const same = full(at("30T11:30:00"));
  await expect(tell({ since: at("30T00:00:00") }, [same, same])).rejects.toThrow(HistoryError);
});

it("names the field of a row that is wrong", async () => {
  const bad = ROW.replace('"trade_volume":10.07', '"trade_volume":-1');
  await expect(tell({}, [`[${ROW},${bad}]`])).rejects.toThrow("1.trade_volume: not a number of 0 or more");
  expect(() => history.read(`[${bad}]`, "bithumb:ETC-KRW")).toThrow(FrameError);
});

it("stays well below 150 requests a second", () => {
  expect((history.requests.count / history.requests.per) * 1000).toBeLessThanOrEqual(75);
});
