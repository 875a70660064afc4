/** Where the trade history has ids of its own, trades are told apart by what they say. */

import { describe, expect, it } from "vitest";
import type { MarketEvent } from "../../../protocol/events.ts";
import { BTC, fetched, ids, LIMIT, series, snapshot, tail, trade } from "../testing/logged-trades.ts";
import { TradeDeduplicator } from "./trade-deduplicator.ts";

describe("a trade deduplicator", () => {
  const open = (...events: MarketEvent[]) => new TradeDeduplicator([tail(0, ...events)], () => 0, false);

  it("tells fetched trades from those of the socket by what they say", () => {
    const deduplicator = open(trade("s1", 1000));
    deduplicator.admit(trade("s2", 2000));
    expect(deduplicator.has(trade("h1", 1000))).toBe(true);
    expect(deduplicator.has(trade("h1", 1001))).toBe(false);
    const told = [trade("h1", 1000), trade("h2", 2000), trade("h3", 3000)];
    expect(ids(deduplicator.admitFetched(BTC, told))).toEqual(["h3"]);
    expect(deduplicator.admitFetched(BTC, told)).toEqual([]);
  });

  it("counts trades that are alike in everything", () => {
    const deduplicator = open();
    expect([deduplicator.admit(trade("s1")), deduplicator.admit(trade("s2")), deduplicator.admit(trade("s1"))]).toEqual(
      [true, true, false],
    );
    expect(
      ids(
        deduplicator.admitFetched(
          BTC,
          ["h1", "h2", "h3"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["h3"]);
  });

  it.each([true, false])("keeps out what the socket brings after it was fetched (in a snapshot: %s)", (inSnapshot) => {
    const deduplicator = open();
    deduplicator.admitFetched(BTC, [trade("h1"), trade("h2")]);
    const brought = ["s1", "s2", "s3"].map((id) => deduplicator.admit(trade(id, 1000, { snapshot: inSnapshot })));
    // Two were fetched: the third is another trade.
    expect(brought).toEqual([false, false, true]);
  });

  it("does not let a repeat claim twice", () => {
    const deduplicator = open();
    deduplicator.admitFetched(BTC, [trade("h1"), trade("h2")]);
    expect([
      deduplicator.admit(trade("s1")),
      deduplicator.admit(snapshot("s1")),
      deduplicator.admit(trade("s2")),
    ]).toEqual([false, false, false]);
    expect(deduplicator.admit(trade("s3"))).toBe(true);
  });

  it("counts once what was fetched and then came over the socket, so that its equal is still found", () => {
    const deduplicator = open();
    deduplicator.admitFetched(BTC, [trade("h1")]);
    expect(deduplicator.admit(trade("s1"))).toBe(false);
    expect(ids(deduplicator.admitFetched(BTC, [trade("h1"), trade("h2")]))).toEqual(["h2"]);
  });

  it("knows trades fetched by the one before, whose ids the socket does not have", () => {
    const deduplicator = open(trade("s1", 1000), fetched("h2", 2000), fetched("h3", 2000));
    expect(deduplicator.admitFetched(BTC, [trade("h1", 1000), trade("h2", 2000), trade("h3", 2000)])).toEqual([]);
    expect(["s2", "s3", "s4"].map((id) => deduplicator.admit(snapshot(id, 2000)))).toEqual([false, false, true]);
  });

  it("takes a late snapshot in the tail for one of the socket's", () => {
    const deduplicator = open(trade("s1", 1000, { snapshot: true, late: true }));
    expect([deduplicator.admit(snapshot("s1")), deduplicator.admitFetched(BTC, [trade("h1")])]).toEqual([false, []]);
    expect(deduplicator.admit(trade("s2"))).toBe(true);
  });

  it("counts what the tail has of both: first the socket's, then the fetched one", () => {
    const deduplicator = open(trade("s1"), fetched("h2"));
    expect(deduplicator.admitFetched(BTC, [trade("h1"), trade("h2")])).toEqual([]);
  });

  it("counts what the tail has of both: first the fetched one, then the socket's", () => {
    const deduplicator = open(fetched("h1"), trade("s2"));
    expect(deduplicator.admitFetched(BTC, [trade("h1"), trade("h2")])).toEqual([]);
  });

  it("keeps out a repeat of a fetched trade although the tail has its equal too", () => {
    // The log has both: s1 claimed h1 and is not in it, then s2 came.
    const deduplicator = open(fetched("h1"), trade("s2"));
    expect([deduplicator.admit(snapshot("s2")), deduplicator.admit(snapshot("s1"))]).toEqual([false, false]);
  });

  it("that two pages both tell enter the log once", () => {
    const deduplicator = open();
    expect(
      ids(
        deduplicator.admitFetched(
          BTC,
          ["h2", "h1", "h1"].map((id) => trade(id)),
        ),
      ),
    ).toEqual(["h2", "h1"]);
  });

  it("lets nothing be fetched again that it has lost", () => {
    const deduplicator = open(...series(0, LIMIT + 500));
    expect(
      deduplicator.admitFetched(
        BTC,
        series(0, LIMIT + 500).map((one) => ({ ...one, id: `h${one.id}` })),
      ),
    ).toEqual([]);
    expect([deduplicator.count(BTC), deduplicator.completeFrom(BTC)]).toEqual([LIMIT, 500]);
  });

  it("holds what was fetched, too", () => {
    const deduplicator = open();
    deduplicator.hold(BTC);
    deduplicator.admitFetched(
      BTC,
      series(0, LIMIT + 500).map((one) => ({ ...one, id: `h${one.id}` })),
    );
    const brought = series(0, LIMIT + 500).filter((one) => deduplicator.admit(one));
    expect(brought).toEqual([]);
    deduplicator.release(BTC);
    expect(deduplicator.admit(snapshot("0", 0))).toBe(false);
  });
});
