import { describe, expect, it } from "vitest";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { History, ParsedEvent } from "../../exchanges/exchange.ts";
import { FrameError, type Parse } from "../../exchanges/exchange.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import type { LogRecord } from "../../log/log.ts";
import { summary } from "../summary.ts";
import { gapEvent, INSTRUMENT, tradeEvent } from "../test-events.ts";
import { Comparison } from "./comparison.ts";
import { Window } from "./window.ts";

const NOW = 1_788_335_180_000;
const TRADE =
  `{"type":"trade","code":"KRW-BTC","trade_timestamp":${NOW},"trade_price":95299000,"trade_volume":0.5,` +
  `"ask_bid":"BID","sequential_id":17883351803770004,"stream_type":"REALTIME"}`;
const TICKER = `{"type":"ticker","code":"KRW-BTC","trade_price":95299000,"trade_timestamp":${NOW},"high_price":95300000}`;
const parse = upbit.parser([]);
const history: History = {
  requests: { count: 1, per: 1 },
  order: "newest-first",
  sameIds: true,
  // biome-ignore lint/correctness/useYield: nothing is fetched here
  async *trades() {
    return 0;
  },
  read: (body, instrument) => [tradeEvent({ id: body, instrument, time: NOW, received: null })],
};

/** A comparison of these frames with what the parser of their time put into the log. */
function compared(frames: readonly string[], now: Parse = parse, then: Parse = parse): Comparison {
  const comparison = new Comparison(new Window(NOW, NOW + 60_000), now, history);
  for (const [i, text] of frames.entries()) {
    const received = NOW + i;
    comparison.raw({ text, received, connection: "a", logged: received + 1, where: `line ${i + 1}` });
    for (const event of eventsOf(then, text, received)) comparison.log(record(event, i), 0, true);
  }
  comparison.reached(Number.POSITIVE_INFINITY);
  return comparison;
}

function eventsOf(read: Parse, text: string, received: number): readonly ParsedEvent[] {
  try {
    const parsed = read(text, received);
    return parsed.kind === "events" ? parsed.events : [];
  } catch (error) {
    if (error instanceof FrameError) return error.events;
    throw error;
  }
}

function record(event: object, offset: number): LogRecord {
  const origin = { kind: "event", incarnation: "a", term: 1 } as const;
  return { offset, logged: NOW, key: INSTRUMENT, value: JSON.stringify(event), type: "trade", origin };
}

describe("frames read again", () => {
  it("by the parser of their time differ in nothing", () => {
    const comparison = compared([TRADE, TICKER, TRADE.replace("REALTIME", "SNAPSHOT"), '{"status":"UP"}']);
    expect(comparison.differences.shown).toMatchObject([{ difference: "twice in the log" }]);
    const once = compared([TRADE, TICKER, '{"status":"UP"}']);
    expect(once.isEqual).toBe(true);
    expect(summary(once, "raw.upbit", "ticks.upbit")).toEqual([
      "raw.upbit against ticks.upbit, received 2026-09-02T07:46:20.000Z to 2026-09-02T07:47:20.000Z",
      "raw  3 frames, 0 bodies of the trade history: 1 trades, 1 tickers",
      "log  1 trades, 1 tickers",
      "no difference",
    ]);
  });

  it("by another parser differ in the fields that it reads otherwise", () => {
    const fixed: Parse = (text, received) =>
      parse(text.replace('"trade_volume":0.5', '"trade_volume":0.51').replace('"high_price":95300000,', ""), received);
    const { differences } = compared([TRADE, TICKER.replace('"trade_price"', '"low_price":1,"trade_price"')], fixed);
    expect(differences.shown).toEqual([
      {
        ...{ difference: "fields differ", type: "trade", instrument: INSTRUMENT, id: "17883351803770004" },
        ...{ received: NOW, place: { partition: 0, seq: 0 }, fields: { size: { log: "0.5", raw: "0.51" } } },
      },
    ]);
    const withoutHigh: Parse = (text, received) => parse(text.replace('"high_price"', '"a_price"'), received);
    expect(compared([TRADE, TICKER], withoutHigh).differences.shown).toMatchObject([
      { difference: "fields differ", type: "ticker", fields: { high: { log: "95300000", raw: null } } },
    ]);
  });

  it("by a parser that reads what none could, or no longer reads what one could", () => {
    const bad = TRADE.replace('"BID"', '"bid"');
    const mended: Parse = (text, received) => parse(text.replace('"bid"', '"BID"'), received);
    const comparison = compared([bad, TICKER], mended);
    expect(comparison.differences.shown).toMatchObject([{ difference: "not in the log", raw: { side: "buy" } }]);
    const { unreadable, differences } = compared([bad, TICKER], parse, mended);
    expect(unreadable.kinds).toMatchObject([{ count: 1, where: "line 1", reason: expect.stringMatching(/^ask_bid/) }]);
    expect(differences.shown).toMatchObject([{ difference: "not in raw", log: { side: "buy" } }]);
  });
});

describe("a body", () => {
  const body = { text: "h1", received: NOW + 10, connection: "rest", instrument: INSTRUMENT, logged: NOW, where: "" };
  const late: TradeEvent = tradeEvent({ id: "h1", time: NOW, received: NOW + 11, late: true });

  it("is compared with the late trades of the log", () => {
    const comparison = compared([TICKER]);
    comparison.raw(body);
    comparison.log(record(late, 1), 0, true);
    comparison.reached(Number.POSITIVE_INFINITY);
    expect(comparison.differences.shown).toEqual([]);
    expect(comparison.counts).toEqual({ frames: 1, bodies: 1 });
  });

  it("may tell what the log calls lost", () => {
    const comparison = new Comparison(new Window(NOW, NOW + 60_000), parse, history);
    comparison.log(record(gapEvent({ since: NOW, until: NOW + 5, state: "lost" }), 0), 0, true);
    comparison.trades.begun(INSTRUMENT, 0);
    comparison.raw(body);
    comparison.reached(Number.POSITIVE_INFINITY);
    expect(comparison.isEqual).toBe(true);
    expect([...comparison.differences.excused]).toEqual([["missing as a gap in the log says", 1]]);
  });
});

it("of the log only records that count are compared, and every one of them must be readable", () => {
  const comparison = new Comparison(new Window(NOW, NOW + 60_000), parse, history);
  comparison.log(record(tradeEvent({ received: NOW }), 0), 0, false);
  comparison.log({ ...record({}, 1), value: "{" }, 0, false);
  expect(comparison.isEqual).toBe(true);
  comparison.log({ ...record({}, 2), value: "{" }, 3, true);
  expect(comparison.differences.shown).toEqual([
    { difference: "unreadable in the log", place: { partition: 3, seq: 2 } },
  ]);
});

it("a frame far outside the window is not read, one whose time is not known can't be", () => {
  const comparison = compared([]);
  comparison.raw({ text: "?", received: NOW - 60_001, connection: "a", logged: 0, where: "line 1" });
  expect(comparison.isEqual).toBe(true);
  comparison.raw({ text: TRADE, received: null, connection: "a", logged: 0, where: "line 2" });
  expect(summary(comparison, "a", "b").at(-2)).toBe(
    "can't be read: 1, the first at line 2: it does not say when it was received",
  );
});
