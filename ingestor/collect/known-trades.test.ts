import { describe, expect, it } from "vitest";
import type { MarketEvent, TradeEvent } from "../../protocol/events.ts";
import type { Tail } from "../log/log.ts";
import { KnownTrades } from "./known-trades.ts";

const BTC = "upbit:BTC-KRW";
const ETH = "upbit:ETH-KRW";
/** Trades remembered per instrument. */
const LIMIT = 2000;

function trade(id: string | null, time = 1000, fields: Partial<TradeEvent> = {}): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", received: time, snapshot: false } as const;
  return { type: "trade", instrument: BTC, id, time, ...rest, ...fields };
}
function tail(completeFrom: number, ...events: MarketEvent[]): Tail {
  return { events, completeFrom, completeUntil: null };
}
const snapshot = (id: string | null, time = 1000): TradeEvent => trade(id, time, { snapshot: true });
const fetched = (id: string, time = 1000): TradeEvent => trade(id, time, { late: true });
const ids = (trades: readonly TradeEvent[]) => trades.map(({ id }) => id);
const series = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => trade(`${from + i}`, from + i));

describe("known trades", () => {
  it("keeps out what the tail holds, and each id but once", () => {
    const known = new KnownTrades([tail(0, trade("1"))], () => 0);
    expect([known.admit(snapshot("1")), known.admit(trade("1"))]).toEqual([false, false]);
    expect([known.admit(trade("2")), known.admit(trade("2")), known.admit(snapshot("2"))]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("tells ids apart as text: swapped and 2^53 apart by one are both new", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    const told = ["17883351803770004", "17883351803770003", "17883351803770005"];
    expect(told.map((id) => known.admit(trade(id)))).toEqual([true, true, true]);
    expect(
      ids(
        known.admitFetched(
          BTC,
          [...told, "17883351803770006"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["17883351803770006"]);
  });

  it("keeps the same id of another instrument", () => {
    const known = new KnownTrades([tail(0, trade("1"))], () => 0);
    expect(known.admit(trade("1", 1000, { instrument: ETH }))).toBe(true);
  });

  it("judges a repeat older than the tail as known, a live trade never by its time", () => {
    const known = new KnownTrades([tail(5000), tail(0)], (instrument) => (instrument === BTC ? 0 : 1));
    expect(known.admit(snapshot("1", 4999))).toBe(false);
    expect(known.admit(snapshot("2", 5000))).toBe(true);
    expect(known.admit(trade("3", 4999))).toBe(true);
    expect(known.admit(trade("4", 1, { instrument: ETH, snapshot: true }))).toBe(true);
  });

  it("tells trades without an id apart by what they say", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    const told = [trade(null), trade(null), trade(null, 1000, { size: "2" })];
    expect(told.map((one) => known.admit(one))).toEqual([true, false, true]);
  });

  it("tells what it has of an instrument", () => {
    const known = new KnownTrades([tail(700, trade("9", 1000), trade("10", 2000), trade("8", 3000))], () => 0);
    expect([known.count(BTC), known.count(ETH), known.completeFrom(BTC), known.completeFrom(ETH)]).toEqual([
      3, 0, 700, 700,
    ]);
    expect(known.newest(BTC)).toEqual({ id: "10", time: 2000 });
    expect(known.newest(BTC, 1999)).toEqual({ id: "9", time: 1000 });
    expect([known.newest(BTC, 999), known.newest(ETH)]).toEqual([null, null]);
    expect([known.someBetween(BTC, 1000, 1000), known.someBetween(BTC, 1001, 1999)]).toEqual([true, false]);
    expect(known.someBetween(ETH, 0, 5000)).toBe(false);
    expect([known.has(trade("9")), known.has(trade("11"))]).toEqual([true, false]);
  });
});

describe("fetched trades", () => {
  it("are those that the log lacks, in the order given, once", () => {
    const known = new KnownTrades([tail(0, trade("1"), fetched("2"))], () => 0);
    known.admit(trade("4"));
    const told = ["1", "5", "2", "3", "4"].map((id) => trade(id));
    expect(ids(known.admitFetched(BTC, told))).toEqual(["5", "3"]);
    expect(known.admitFetched(BTC, told)).toEqual([]);
  });

  it("are kept out when the socket repeats them later, live or in a snapshot", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    known.admitFetched(BTC, [trade("1"), trade("2")]);
    expect([known.admit(snapshot("1")), known.admit(trade("2")), known.admit(trade("3"))]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it("stay out where the log may have them and nobody knows", () => {
    const known = new KnownTrades([tail(5000)], () => 0);
    expect(ids(known.admitFetched(BTC, [trade("1", 4999), trade("2", 5000)]))).toEqual(["2"]);
  });

  it("are of one instrument alone", () => {
    const known = new KnownTrades([tail(0, trade("1"))], () => 0);
    expect(ids(known.admitFetched(ETH, [trade("1", 1000, { instrument: ETH })]))).toEqual(["1"]);
  });

  it("that two pages both tell enter the log once", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    expect(
      ids(
        known.admitFetched(
          BTC,
          ["3", "2", "2", "1"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["3", "2", "1"]);
  });
});

describe("the memory of trades", () => {
  it("loses the oldest, and takes a repeat of those for known all the same", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    for (const one of series(0, LIMIT + 500)) known.admit(one);
    expect([known.count(BTC), known.completeFrom(BTC)]).toEqual([LIMIT, 500]);
    expect([known.admit(snapshot("0", 0)), known.admit(snapshot("2499", 2499))]).toEqual([false, false]);
    expect([known.admit(snapshot("new", 499)), known.admit(snapshot("newer", 500))]).toEqual([false, true]);
  });

  it("lets nothing be fetched again that it has lost", () => {
    const known = new KnownTrades([tail(0, ...series(0, LIMIT + 500))], () => 0);
    expect(known.admitFetched(BTC, series(0, LIMIT + 500))).toEqual([]);
  });

  it("holds everything of an instrument while its gap is fetched, and only of that", () => {
    const known = new KnownTrades([tail(0)], () => 0);
    known.hold(BTC);
    for (const one of series(0, LIMIT + 500)) for (const instrument of [BTC, ETH]) known.admit({ ...one, instrument });
    expect([known.count(BTC), known.completeFrom(BTC), known.count(ETH)]).toEqual([LIMIT + 500, 0, LIMIT]);
    expect(ids(known.admitFetched(BTC, [...series(0, 10), trade("missed", 9)]))).toEqual(["missed"]);
    known.release(BTC);
    expect(known.count(BTC)).toBe(LIMIT);
    expect(known.completeFrom(BTC)).toBeGreaterThan(500);
  });

  it("may hold and release what it has never seen", () => {
    const known = new KnownTrades([], () => 0);
    known.hold(BTC);
    known.release(BTC);
    expect([known.count(BTC), known.completeFrom(BTC)]).toEqual([0, 0]);
  });
});

describe("known trades, where the history has other ids", () => {
  const open = (...events: MarketEvent[]) => new KnownTrades([tail(0, ...events)], () => 0, false);

  it("tells fetched trades from those of the socket by what they say", () => {
    const known = open(trade("s1", 1000));
    known.admit(trade("s2", 2000));
    expect(known.has(trade("h1", 1000))).toBe(true);
    expect(known.has(trade("h1", 1001))).toBe(false);
    const told = [trade("h1", 1000), trade("h2", 2000), trade("h3", 3000)];
    expect(ids(known.admitFetched(BTC, told))).toEqual(["h3"]);
    expect(known.admitFetched(BTC, told)).toEqual([]);
  });

  it("counts trades that are alike in everything", () => {
    const known = open();
    expect([known.admit(trade("s1")), known.admit(trade("s2")), known.admit(trade("s1"))]).toEqual([true, true, false]);
    expect(
      ids(
        known.admitFetched(
          BTC,
          ["h1", "h2", "h3"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["h3"]);
  });

  it.each([true, false])("keeps out what the socket brings after it was fetched (in a snapshot: %s)", (inSnapshot) => {
    const known = open();
    known.admitFetched(BTC, [trade("h1"), trade("h2")]);
    const brought = ["s1", "s2", "s3"].map((id) => known.admit(trade(id, 1000, { snapshot: inSnapshot })));
    // Two were fetched: the third is another trade.
    expect(brought).toEqual([false, false, true]);
  });

  it("does not let a repeat claim twice", () => {
    const known = open();
    known.admitFetched(BTC, [trade("h1"), trade("h2")]);
    expect([known.admit(trade("s1")), known.admit(snapshot("s1")), known.admit(trade("s2"))]).toEqual([
      false,
      false,
      false,
    ]);
    expect(known.admit(trade("s3"))).toBe(true);
  });

  it("counts once what was fetched and then came over the socket, so that its twin is still found", () => {
    const known = open();
    known.admitFetched(BTC, [trade("h1")]);
    expect(known.admit(trade("s1"))).toBe(false);
    expect(ids(known.admitFetched(BTC, [trade("h1"), trade("h2")]))).toEqual(["h2"]);
  });

  it("knows trades fetched by the one before, whose ids the socket does not have", () => {
    const known = open(trade("s1", 1000), fetched("h2", 2000), fetched("h3", 2000));
    expect(known.admitFetched(BTC, [trade("h1", 1000), trade("h2", 2000), trade("h3", 2000)])).toEqual([]);
    expect(["s2", "s3", "s4"].map((id) => known.admit(snapshot(id, 2000)))).toEqual([false, false, true]);
  });

  it("takes a late snapshot in the tail for one of the socket's", () => {
    const known = open(trade("s1", 1000, { snapshot: true, late: true }));
    expect([known.admit(snapshot("s1")), known.admitFetched(BTC, [trade("h1")])]).toEqual([false, []]);
    expect(known.admit(trade("s2"))).toBe(true);
  });

  it("counts what the tail has of both: first the socket's, then the fetched one", () => {
    const known = open(trade("s1"), fetched("h2"));
    expect(known.admitFetched(BTC, [trade("h1"), trade("h2")])).toEqual([]);
  });

  it("counts what the tail has of both: first the fetched one, then the socket's", () => {
    const known = open(fetched("h1"), trade("s2"));
    expect(known.admitFetched(BTC, [trade("h1"), trade("h2")])).toEqual([]);
  });

  it("keeps out a repeat of a fetched trade although the tail has its twin too", () => {
    // The log has both: s1 claimed h1 and is not in it, then s2 came.
    const known = open(fetched("h1"), trade("s2"));
    expect([known.admit(snapshot("s2")), known.admit(snapshot("s1"))]).toEqual([false, false]);
  });

  it("that two pages both tell enter the log once", () => {
    const known = open();
    expect(
      ids(
        known.admitFetched(
          BTC,
          ["h2", "h1", "h1"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["h2", "h1"]);
  });

  it("lets nothing be fetched again that it has lost", () => {
    const known = open(...series(0, LIMIT + 500));
    expect(
      known.admitFetched(
        BTC,
        series(0, LIMIT + 500).map((one) => ({ ...one, id: `h${one.id}` })),
      ),
    ).toEqual([]);
    expect([known.count(BTC), known.completeFrom(BTC)]).toEqual([LIMIT, 500]);
  });

  it("holds what was fetched, too", () => {
    const known = open();
    known.hold(BTC);
    known.admitFetched(
      BTC,
      series(0, LIMIT + 500).map((one) => ({ ...one, id: `h${one.id}` })),
    );
    const brought = series(0, LIMIT + 500).filter((one) => known.admit(one));
    expect(brought).toEqual([]);
    known.release(BTC);
    expect(known.admit(snapshot("0", 0))).toBe(false);
  });

  describe("dated in the future", () => {
    const HOUR = 3_600_000;
    const ahead = (id: string, time: number) => trade(id, time + HOUR, { received: time });

    it("make no later trade pass for one that can't be judged", () => {
      const known = new KnownTrades([tail(0)], () => 0);
      known.admit(ahead("x", 5000));
      for (const one of series(5001, 5001 + LIMIT)) known.admit(one);
      expect(known.completeFrom(BTC)).toBeLessThanOrEqual(5002);
      expect(ids(known.admitFetched(BTC, [trade("missed", 7500)]))).toEqual(["missed"]);
    });

    it("are remembered until their time has come", () => {
      const known = new KnownTrades([tail(0)], () => 0);
      known.admit(ahead("x", 5000));
      for (const one of series(5001, 5001 + 3 * LIMIT)) known.admit(one);
      expect(known.admitFetched(BTC, [ahead("x", 5000)])).toEqual([]);
      expect([known.admit(ahead("x", 5000)), known.has(ahead("x", 5000))]).toEqual([false, true]);
    });

    it("are not taken for the newest of an earlier time, nor for one of a later", () => {
      const known = new KnownTrades([tail(0, ahead("7", 5000))], () => 0);
      expect([known.newest(BTC, 5000)?.id, known.someBetween(BTC, 6000, 2 * HOUR)]).toEqual(["7", false]);
    });
  });

  describe("whose ids begin anew", () => {
    it("are new although another one had their id, and keep the old ones out as before", () => {
      const known = new KnownTrades([tail(0, trade("1", 1000), trade("2", 1100))], () => 0);
      expect([known.reusesId(trade("1", 1000)), known.reusesId(trade("1", 90_000))]).toEqual([false, true]);
      expect([known.admit(trade("1", 90_000)), known.admit(trade("2", 90_100))]).toEqual([true, true]);
      expect([known.admit(trade("1", 90_000)), known.admit(snapshot("2", 1100))]).toEqual([false, false]);
      const told = [trade("1", 1000), trade("2", 1100), trade("1", 90_000), trade("3", 90_200)];
      expect(known.admitFetched(BTC, told)).toEqual([trade("3", 90_200)]);
      expect(known.newest(BTC)).toEqual({ id: "3", time: 90_200 });
    });

    it("are fetched although the log has another one of their id", () => {
      const known = new KnownTrades([tail(0, trade("1", 1000))], () => 0);
      expect(known.admitFetched(BTC, [trade("1", 90_000), trade("1", 1000)])).toEqual([trade("1", 90_000)]);
    });

    it("make nothing of the others be forgotten early", () => {
      const known = new KnownTrades([tail(0, trade("1", 1000))], () => 0);
      known.admit(trade("1", 90_000));
      for (const one of series(90_001, 90_001 + LIMIT - 2)) known.admit(one);
      expect(known.completeFrom(BTC)).toBe(0);
    });
  });
});
