/** Frames that can't be read, and what is made of the times of those that can. */

import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { GapCause, MarketEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";
import { SuspectedGaps } from "../gap-detection/suspected-gaps.ts";
import { FrameProcessor } from "./frame-processor.ts";

const NOW = 1_790_000_000_000;
const HOUR = 3_600_000;
const MARKETS = ["KRW-BTC", "KRW-ETH"].map((nativeSymbol): Market => {
  const [quote = "", base = ""] = nativeSymbol.split("-");
  const names = { ko: null, en: null };
  const rest = { exchange: "upbit", names, status: null, warning: null };
  return { instrument: `upbit:${base}-${quote}`, nativeSymbol, base, quote, ...rest };
});

describe("a frame processor", () => {
  let events: MarketEvent[];
  let gaps: { instrument: string; cause: GapCause; since: number; until: number }[];
  let suspects: SuspectedGaps;
  let processor: FrameProcessor;
  let now: number;

  beforeEach(() => {
    [events, gaps, now] = [[], [], NOW];
    suspects = new SuspectedGaps();
    processor = new FrameProcessor({
      exchange: upbit,
      writer: { append: (event) => void events.push(event), appendRaw: () => undefined },
      deduplicator: new TradeDeduplicator([{ events: [], completeFrom: 0, completeUntil: null }], () => 0),
      backfiller: {
        backfill: (instrument, cause, since, until) => void gaps.push({ instrument, cause, since, until }),
      },
      logger: pino({ level: "silent" }),
    });
    processor.setMarkets(MARKETS);
  });
  function frame(text: string): void {
    now += 10;
    const parsed = processor.read(Buffer.from(text), now, "connection", MARKETS);
    if (parsed.kind === "events") processor.take({ parsed, received: now }, suspects);
  }
  const trade = (id: number, time = now, code = "KRW-BTC") =>
    `{"type":"trade","code":"${code}","trade_timestamp":${time},"trade_price":1,"trade_volume":1,"ask_bid":"ASK",` +
    `"sequential_id":${id},"stream_type":"REALTIME"}`;
  const ticker = (price: string, code = "KRW-BTC") =>
    `{"type":"ticker","code":"${code}","trade_price":${price},"trade_timestamp":${now},"market_state":"ACTIVE"}`;
  function second(): void {
    now += 1000;
    processor.tick(now);
  }

  it("takes a ticker that can't be read for no trade", () => {
    frame(ticker("null"));
    second();
    expect([gaps, processor.counts.badFrames]).toEqual([[], 1]);
    frame(trade(1).replace('"trade_price":1', '"trade_price":null'));
    second();
    expect(gaps.map(({ instrument, cause }) => [instrument, cause])).toEqual([["upbit:BTC-KRW", "unreadable_frame"]]);
  });

  it("opens one gap for frames of a type that it does not know, not one a second", () => {
    for (let seconds = 0; seconds < 300; seconds += 1) {
      frame('{"type":"heartbeat"}');
      frame(trade(seconds));
      second();
    }
    expect(gaps.map(({ instrument }) => instrument)).toEqual(["upbit:BTC-KRW", "upbit:ETH-KRW"]);
  });

  it("opens another when trades have ceased to come, for the whole time since", () => {
    for (let seconds = 0; seconds < 200; seconds += 1) {
      frame(`{"type":"execution","code":"KRW-BTC","at":${now}}`);
      second();
    }
    expect(gaps.length).toBe(4);
    for (const [nth, gap] of gaps.slice(1).entries()) expect(gap.since).toBeLessThanOrEqual(gaps[nth]?.until ?? 0);
  });

  it("looks for nothing later than it can be, whatever a trade is dated", () => {
    suspects.add("exchange_disconnect", "upbit:BTC-KRW", now - 1000);
    frame(trade(1, now + HOUR));
    expect(gaps[0]?.until).toBeLessThanOrEqual(now + 5000);
    expect([processor.lastEventTime, processor.counts.datedAhead]).toEqual([now + 5000, 1]);
    suspects.add("exchange_disconnect", "upbit:ETH-KRW", now);
    processor.giveUp(suspects, now);
    expect(gaps[1]?.until).toBeLessThanOrEqual(now + 5000);
    // As the exchange has told it.
    expect(events.map((event) => event.type === "trade" && event.time)).toEqual([now - 10 + HOUR]);
  });

  it("opens a gap for ids that begin anew, and takes the trades", () => {
    for (const id of [1, 2, 3]) frame(trade(id));
    now += 60_000;
    for (const id of [1, 2, 3, 4]) frame(trade(id));
    expect(events.length).toBe(7);
    expect(gaps).toMatchObject([{ instrument: "upbit:BTC-KRW", cause: "missed_trades" }]);
    expect(gaps[0]?.since).toBeLessThan(NOW + 100);
  });
});
