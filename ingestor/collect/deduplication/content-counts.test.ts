import { describe, expect, it } from "vitest";
import type { TradeEvent } from "../../../protocol/events.ts";
import { ContentCounts, contentOf } from "./content-counts.ts";

function trade(id: string, fields: Partial<TradeEvent> = {}): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", time: 1000, received: null, snapshot: false } as const;
  return { type: "trade", instrument: "bithumb:BTC-KRW", id, ...rest, ...fields };
}
const ids = (trades: readonly TradeEvent[]) => trades.map(({ id }) => id);

describe("content counts", () => {
  it("take for one what is alike in time, price, size and side, whatever its id", () => {
    expect(contentOf(trade("a"))).toBe(contentOf(trade("b", { received: 5, snapshot: true })));
    const others: Partial<TradeEvent>[] = [{ time: 1001 }, { price: "2" }, { size: "2" }, { side: "sell" }];
    expect(new Set([{}, ...others].map((fields) => contentOf(trade("a", fields)))).size).toBe(5);
    // Digits must not move from one field into the next.
    expect(contentOf(trade("a", { price: "11", size: "1" }))).not.toBe(
      contentOf(trade("a", { price: "1", size: "11" })),
    );
  });

  it("find those that the log lacks, by how many it has", () => {
    const counts = new ContentCounts();
    const told = [trade("h1"), trade("h2"), trade("h3"), trade("h4", { price: "2" })];
    expect(ids(counts.missing(told))).toEqual(["h1", "h2", "h3", "h4"]);
    counts.add(trade("s1"), "socket");
    counts.add(trade("s2"), "socket");
    expect(ids(counts.missing(told))).toEqual(["h3", "h4"]);
    for (const id of ["s3", "s4"]) counts.add(trade(id), "socket");
    expect(ids(counts.missing(told))).toEqual(["h4"]);
  });

  it("let each trade of the socket claim a fetched one, and no other", () => {
    const counts = new ContentCounts();
    counts.add(trade("s1"), "socket");
    expect(counts.claim(trade("s2"))).toBe(false);
    counts.add(trade("h1"), "history");
    counts.add(trade("h2"), "history");
    expect(counts.claim(trade("s2", { side: "sell" }))).toBe(false);
    expect(["s2", "s3", "s4"].map((id) => counts.claim(trade(id)))).toEqual([true, true, false]);
    // A claim tells who it is: there are no more of them for it.
    expect(ids(counts.missing(["h1", "h2", "h3", "h4"].map((id) => trade(id))))).toEqual(["h4"]);
  });

  it("forget one at a time", () => {
    const counts = new ContentCounts();
    counts.add(trade("s1"), "socket");
    counts.add(trade("s2"), "socket");
    counts.forget(contentOf(trade("s1")));
    expect([counts.has(trade("x")), counts.missing([trade("h1"), trade("h2")]).length]).toEqual([true, 1]);
    counts.forget(contentOf(trade("s2")));
    counts.forget(contentOf(trade("never")));
    expect([counts.has(trade("x")), counts.missing([trade("h1")]).length]).toEqual([false, 1]);
  });
});
