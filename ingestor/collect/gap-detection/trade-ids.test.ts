import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { GapCause, TradeEvent } from "../../../protocol/events.ts";
import { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";
import { SuspectedGaps } from "./suspected-gaps.ts";
import { TradeIds } from "./trade-ids.ts";

const BTC = "binance:BTC-USDT";

describe("trade ids that count up", () => {
  let gaps: [cause: GapCause, since: number, until: number][];
  let deduplicator: TradeDeduplicator;
  let suspects: SuspectedGaps;
  let ids: TradeIds;

  beforeEach(() => {
    gaps = [];
    deduplicator = new TradeDeduplicator([{ events: [], completeFrom: 0, completeUntil: null }], () => 0);
    suspects = new SuspectedGaps();
    const backfiller = { backfill: (_name: string, ...gap: (typeof gaps)[number]) => void gaps.push(gap) };
    ids = new TradeIds({ deduplicator, backfiller, logger: pino({ level: "silent" }) });
  });
  function trade(id: number, time: number): void {
    ids.judge({ by: "trade", instrument: BTC, id: `${id}`, time, until: time }, suspects);
    const fields = { price: "1", size: "1", side: "buy", received: time, snapshot: false } as const;
    const event: TradeEvent = { type: "trade", instrument: BTC, id: `${id}`, time, ...fields };
    if (deduplicator.admit(event)) ids.count(BTC, event.id, time);
  }
  const ticker = (id: number, time: number) =>
    ids.judge({ by: "ticker", instrument: BTC, id: `${id}`, time, until: time }, suspects);

  it("show a hole, and none where one was only overtaken", () => {
    trade(10, 1000);
    trade(12, 1010);
    trade(11, 1020);
    trade(13, 1030);
    expect(gaps).toEqual([["missed_trades", 500, 1010]]);
  });

  it("that begin anew open one gap behind the last old one, and go on", () => {
    trade(1_000_000, 1000);
    trade(1, 9000);
    trade(2, 9100);
    expect(gaps).toEqual([["missed_trades", 1001, 9000]]);
    trade(4, 9200);
    expect(gaps[1]).toEqual(["missed_trades", 8600, 9200]);
    // What is fetched next must not be asked for by an old id.
    expect(deduplicator.newest(BTC, 1500)).toBeNull();
  });

  it("that begin anew while we were away settle the suspected gap", () => {
    trade(1_000_000, 1000);
    suspects.add("exchange_disconnect", BTC, 1000);
    trade(7, 9000);
    expect([gaps, suspects.size]).toEqual([[["exchange_disconnect", 1001, 9000]], 0]);
  });

  it("that begin anew show themselves in a ticker", () => {
    trade(1_000_000, 1000);
    ticker(999_999, 2900);
    expect(gaps).toEqual([]);
    ticker(3, 3100);
    expect(gaps).toEqual([["missed_trades", 1001, 3100]]);
    trade(4, 3200);
    expect(gaps.length).toBe(1);
  });

  it("of a ticker whose trade does not come open a gap", () => {
    trade(10, 1000);
    ticker(11, 1100);
    ids.tick(2000);
    expect(gaps).toEqual([]);
    ids.tick(3200);
    expect(gaps).toEqual([["missed_trades", 500, 3200]]);
  });
});
