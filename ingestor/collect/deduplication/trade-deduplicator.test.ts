import { describe, expect, it } from "vitest";
import { BTC, ETH, fetched, ids, LIMIT, series, snapshot, tail, trade } from "../testing/logged-trades.ts";
import { TradeDeduplicator } from "./trade-deduplicator.ts";

describe("a trade deduplicator", () => {
  it("keeps out what the tail holds, and each id but once", () => {
    const deduplicator = new TradeDeduplicator([tail(0, trade("1"))], () => 0);
    expect([deduplicator.admit(snapshot("1")), deduplicator.admit(trade("1"))]).toEqual([false, false]);
    expect([deduplicator.admit(trade("2")), deduplicator.admit(trade("2")), deduplicator.admit(snapshot("2"))]).toEqual(
      [true, false, false],
    );
  });

  it("tells ids apart as text: swapped and 2^53 apart by one are both new", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    const told = ["17883351803770004", "17883351803770003", "17883351803770005"];
    expect(told.map((id) => deduplicator.admit(trade(id)))).toEqual([true, true, true]);
    expect(
      ids(
        deduplicator.admitFetched(
          BTC,
          [...told, "17883351803770006"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["17883351803770006"]);
  });

  it("keeps the same id of another instrument", () => {
    const deduplicator = new TradeDeduplicator([tail(0, trade("1"))], () => 0);
    expect(deduplicator.admit(trade("1", 1000, { instrument: ETH }))).toBe(true);
  });

  it("judges a repeat older than the tail as known, a live trade never by its time", () => {
    const deduplicator = new TradeDeduplicator([tail(5000), tail(0)], (instrument) => (instrument === BTC ? 0 : 1));
    expect(deduplicator.admit(snapshot("1", 4999))).toBe(false);
    expect(deduplicator.admit(snapshot("2", 5000))).toBe(true);
    expect(deduplicator.admit(trade("3", 4999))).toBe(true);
    expect(deduplicator.admit(trade("4", 1, { instrument: ETH, snapshot: true }))).toBe(true);
  });

  it("tells trades without an id apart by what they say", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    const told = [trade(null), trade(null), trade(null, 1000, { size: "2" })];
    expect(told.map((one) => deduplicator.admit(one))).toEqual([true, false, true]);
  });

  it("tells what it has of an instrument", () => {
    const deduplicator = new TradeDeduplicator(
      [tail(700, trade("9", 1000), trade("10", 2000), trade("8", 3000))],
      () => 0,
    );
    expect([
      deduplicator.count(BTC),
      deduplicator.count(ETH),
      deduplicator.completeFrom(BTC),
      deduplicator.completeFrom(ETH),
    ]).toEqual([3, 0, 700, 700]);
    expect(deduplicator.newest(BTC)).toEqual({ id: "10", time: 2000 });
    expect(deduplicator.newest(BTC, 1999)).toEqual({ id: "9", time: 1000 });
    expect([deduplicator.newest(BTC, 999), deduplicator.newest(ETH)]).toEqual([null, null]);
    expect([deduplicator.someBetween(BTC, 1000, 1000), deduplicator.someBetween(BTC, 1001, 1999)]).toEqual([
      true,
      false,
    ]);
    expect(deduplicator.someBetween(ETH, 0, 5000)).toBe(false);
    expect([deduplicator.has(trade("9")), deduplicator.has(trade("11"))]).toEqual([true, false]);
  });
});

describe("fetched trades", () => {
  it("are those that the log lacks, in the order given, once", () => {
    const deduplicator = new TradeDeduplicator([tail(0, trade("1"), fetched("2"))], () => 0);
    deduplicator.admit(trade("4"));
    const told = ["1", "5", "2", "3", "4"].map((id) => trade(id));
    expect(ids(deduplicator.admitFetched(BTC, told))).toEqual(["5", "3"]);
    expect(deduplicator.admitFetched(BTC, told)).toEqual([]);
  });

  it("are kept out when the socket repeats them later, live or in a snapshot", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    deduplicator.admitFetched(BTC, [trade("1"), trade("2")]);
    expect([deduplicator.admit(snapshot("1")), deduplicator.admit(trade("2")), deduplicator.admit(trade("3"))]).toEqual(
      [false, false, true],
    );
  });

  it("stay out where the log may have them and nobody knows", () => {
    const deduplicator = new TradeDeduplicator([tail(5000)], () => 0);
    expect(ids(deduplicator.admitFetched(BTC, [trade("1", 4999), trade("2", 5000)]))).toEqual(["2"]);
  });

  it("are of one instrument alone", () => {
    const deduplicator = new TradeDeduplicator([tail(0, trade("1"))], () => 0);
    expect(ids(deduplicator.admitFetched(ETH, [trade("1", 1000, { instrument: ETH })]))).toEqual(["1"]);
  });

  it("that two pages both tell enter the log once", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    expect(
      ids(
        deduplicator.admitFetched(
          BTC,
          ["3", "2", "2", "1"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["3", "2", "1"]);
  });
});

describe("the memory of trades", () => {
  it("loses the oldest, and takes a repeat of those for known all the same", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    for (const one of series(0, LIMIT + 500)) deduplicator.admit(one);
    expect([deduplicator.count(BTC), deduplicator.completeFrom(BTC)]).toEqual([LIMIT, 500]);
    expect([deduplicator.admit(snapshot("0", 0)), deduplicator.admit(snapshot("2499", 2499))]).toEqual([false, false]);
    expect([deduplicator.admit(snapshot("new", 499)), deduplicator.admit(snapshot("newer", 500))]).toEqual([
      false,
      true,
    ]);
  });

  it("lets nothing be fetched again that it has lost", () => {
    const deduplicator = new TradeDeduplicator([tail(0, ...series(0, LIMIT + 500))], () => 0);
    expect(deduplicator.admitFetched(BTC, series(0, LIMIT + 500))).toEqual([]);
  });

  it("holds everything of an instrument while its gap is fetched, and only of that", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    deduplicator.hold(BTC);
    for (const one of series(0, LIMIT + 500))
      for (const instrument of [BTC, ETH]) deduplicator.admit({ ...one, instrument });
    expect([deduplicator.count(BTC), deduplicator.completeFrom(BTC), deduplicator.count(ETH)]).toEqual([
      LIMIT + 500,
      0,
      LIMIT,
    ]);
    expect(ids(deduplicator.admitFetched(BTC, [...series(0, 10), trade("missed", 9)]))).toEqual(["missed"]);
    deduplicator.release(BTC);
    expect(deduplicator.count(BTC)).toBe(LIMIT);
    expect(deduplicator.completeFrom(BTC)).toBeGreaterThan(500);
  });

  it("may hold and release what it has never seen", () => {
    const deduplicator = new TradeDeduplicator([], () => 0);
    deduplicator.hold(BTC);
    deduplicator.release(BTC);
    expect([deduplicator.count(BTC), deduplicator.completeFrom(BTC)]).toEqual([0, 0]);
  });
});

describe("trades dated in the future", () => {
  const HOUR = 3_600_000;
  const ahead = (id: string, time: number) => trade(id, time + HOUR, { received: time });

  it("make no later trade pass for one that can't be judged", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    deduplicator.admit(ahead("x", 5000));
    for (const one of series(5001, 5001 + LIMIT)) deduplicator.admit(one);
    expect(deduplicator.completeFrom(BTC)).toBeLessThanOrEqual(5002);
    expect(ids(deduplicator.admitFetched(BTC, [trade("missed", 7500)]))).toEqual(["missed"]);
  });

  it("are remembered until their time has come", () => {
    const deduplicator = new TradeDeduplicator([tail(0)], () => 0);
    deduplicator.admit(ahead("x", 5000));
    for (const one of series(5001, 5001 + 3 * LIMIT)) deduplicator.admit(one);
    expect(deduplicator.admitFetched(BTC, [ahead("x", 5000)])).toEqual([]);
    expect([deduplicator.admit(ahead("x", 5000)), deduplicator.has(ahead("x", 5000))]).toEqual([false, true]);
  });

  it("are not taken for the newest of an earlier time, nor for one of a later", () => {
    const deduplicator = new TradeDeduplicator([tail(0, ahead("7", 5000))], () => 0);
    expect([deduplicator.newest(BTC, 5000)?.id, deduplicator.someBetween(BTC, 6000, 2 * HOUR)]).toEqual(["7", false]);
  });
});

describe("trades whose ids begin anew", () => {
  it("are new although another one had their id, and keep the old ones out as before", () => {
    const deduplicator = new TradeDeduplicator([tail(0, trade("1", 1000), trade("2", 1100))], () => 0);
    expect([deduplicator.reusesId(trade("1", 1000)), deduplicator.reusesId(trade("1", 90_000))]).toEqual([false, true]);
    expect([deduplicator.admit(trade("1", 90_000)), deduplicator.admit(trade("2", 90_100))]).toEqual([true, true]);
    expect([deduplicator.admit(trade("1", 90_000)), deduplicator.admit(snapshot("2", 1100))]).toEqual([false, false]);
    const told = [trade("1", 1000), trade("2", 1100), trade("1", 90_000), trade("3", 90_200)];
    expect(deduplicator.admitFetched(BTC, told)).toEqual([trade("3", 90_200)]);
    expect(deduplicator.newest(BTC)).toEqual({ id: "3", time: 90_200 });
  });

  it("are fetched although the log has another one of their id", () => {
    const deduplicator = new TradeDeduplicator([tail(0, trade("1", 1000))], () => 0);
    expect(deduplicator.admitFetched(BTC, [trade("1", 90_000), trade("1", 1000)])).toEqual([trade("1", 90_000)]);
  });

  it("make nothing of the others be forgotten early", () => {
    const deduplicator = new TradeDeduplicator([tail(0, trade("1", 1000))], () => 0);
    deduplicator.admit(trade("1", 90_000));
    for (const one of series(90_001, 90_001 + LIMIT - 2)) deduplicator.admit(one);
    expect(deduplicator.completeFrom(BTC)).toBe(0);
  });
});
