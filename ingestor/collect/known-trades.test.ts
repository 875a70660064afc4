import { describe, expect, it } from "vitest";
import type { TradeEvent } from "../../protocol/events.ts";
import type { Tail } from "../log/log.ts";
import { KnownTrades } from "./known-trades.ts";

const BTC = "upbit:BTC-KRW";

function trade(id: string | null, time = 1000, fields: Partial<TradeEvent> = {}): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", received: time, snapshot: false } as const;
  return { type: "trade", instrument: BTC, id, time, ...rest, ...fields };
}

function tail(completeFrom: number, ...events: TradeEvent[]): Tail {
  return { events, completeFrom, completeUntil: null };
}

describe("known trades", () => {
  it("keeps out what the tail holds, and each id but once", () => {
    const known = new KnownTrades([tail(0, trade("1"))], () => 0);
    expect(known.admit(trade("1", 1000, { snapshot: true }))).toBe(false);
    expect([known.admit(trade("2")), known.admit(trade("2"))]).toEqual([true, false]);
  });

  it("tells ids apart as text: swapped and 2^53 apart by one are both new", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    const ids = ["17883351803770004", "17883351803770003", "17883351803770005"];
    expect(ids.map((id) => known.admit(trade(id)))).toEqual([true, true, true]);
  });

  it("keeps the same id of another instrument", () => {
    const known = new KnownTrades([tail(0, trade("1"))], () => 0);
    expect(known.admit(trade("1", 1000, { instrument: "upbit:ETH-KRW" }))).toBe(true);
  });

  it("judges a repeat older than the tail as known, a live trade never by its time", () => {
    const known = new KnownTrades([tail(5000), tail(0)], (instrument) => (instrument === BTC ? 0 : 1));
    expect(known.admit(trade("1", 4999, { snapshot: true }))).toBe(false);
    expect(known.admit(trade("2", 5000, { snapshot: true }))).toBe(true);
    expect(known.admit(trade("3", 4999))).toBe(true);
    expect(known.admit(trade("4", 1, { instrument: "upbit:ETH-KRW", snapshot: true }))).toBe(true);
  });

  it("forgets the oldest ids, and takes a repeat of those for known all the same", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    for (let i = 0; i < 2500; i += 1) known.admit(trade(`${i}`, i));
    expect(known.admit(trade("0", 0, { snapshot: true }))).toBe(false);
    expect(known.admit(trade("2499", 2499, { snapshot: true }))).toBe(false);
    expect(known.admit(trade("new", 499, { snapshot: true }))).toBe(false);
    expect(known.admit(trade("newer", 500, { snapshot: true }))).toBe(true);
  });

  it("tells trades without an id apart by what they say", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    expect([trade(null), trade(null), trade(null, 1000, { size: "2" })].map((one) => known.admit(one))).toEqual([
      true,
      false,
      true,
    ]);
  });
});
