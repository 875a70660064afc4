/** What becomes of a frame: its bytes go to the raw log, its events to the ticks, and what it shows to be missing is fetched. */

import type { GapCause, TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { boundedTime, isDatedAhead, REORDER_WINDOW, reliedTime } from "../../event-time.ts";
import { type Exchange, FrameError, type Parse, type Parsed, type ParsedEvent } from "../../exchanges/exchange.ts";
import type { TickWriter } from "../../log/log.ts";
import type { Logger } from "../../logger.ts";
import type { Backfiller } from "../backfill/backfiller.ts";
import type { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";
import { judgeByTime, type SuspectedGaps } from "../gap-detection/suspected-gaps.ts";
import { TradeIds } from "../gap-detection/trade-ids.ts";
import { VolumeCheck } from "../gap-detection/volume-check.ts";
import { BadFrames } from "./bad-frames.ts";

export interface FrameProcessorOptions {
  readonly exchange: Exchange;
  readonly writer: Pick<TickWriter, "append" | "appendRaw">;
  readonly deduplicator: TradeDeduplicator;
  readonly backfiller: Pick<Backfiller, "backfill">;
  readonly logger: Logger;
}

/** What has been counted since the start. */
export interface FrameCounts {
  frames: number;
  events: number;
  /** Trades kept out because the log has them. */
  repeats: number;
  badFrames: number;
  /** Events that the exchange has dated in the future. */
  datedAhead: number;
}

/** The events of a frame, and when it came (ms). */
export interface Message {
  readonly parsed: Extract<Parsed, { kind: "events" }>;
  readonly received: number;
}

/** Between two warnings of the same kind, ms. */
const WARNING_PERIOD = 60_000;

export class FrameProcessor {
  readonly #options: FrameProcessorOptions;
  readonly #badFrames: BadFrames;
  /** Where ids count up. */
  readonly #tradeIds: TradeIds | undefined;
  /** Where they don't. */
  readonly #volumes: VolumeCheck | undefined;
  readonly counts: FrameCounts = { frames: 0, events: 0, repeats: 0, badFrames: 0, datedAhead: 0 };
  #parse: Parse;
  /** When (ms) the last ticker of each instrument was. */
  readonly #lastTickers = new Map<string, number>();
  /** When (ms) the last frame with a trade came. */
  #lastTradeReceived = 0;
  /** When (ms) an event that is dated in the future was last logged. */
  #warned = 0;
  /** On the exchange's clock, ms. */
  lastEventTime: number | null = null;

  constructor(options: FrameProcessorOptions) {
    this.#options = options;
    const { exchange, logger } = options;
    this.#badFrames = new BadFrames(logger);
    this.#tradeIds = exchange.proof === "trade-ids" ? new TradeIds(options) : undefined;
    this.#volumes = exchange.proof === "ticker-time" ? new VolumeCheck() : undefined;
    this.#parse = exchange.parser([]);
  }

  setMarkets(markets: readonly Market[]): void {
    this.#parse = this.#options.exchange.parser(markets);
  }

  /**
   * Keeps a frame and reads it. One that can't be read costs nothing but itself; it may have been a trade, which is fetched.
   *
   * @param markets those that the connection brings
   */
  read(bytes: Buffer, received: number, connection: string, markets: readonly Market[]): Parsed {
    this.counts.frames += 1;
    this.#options.writer.appendRaw({ bytes, received, connection });
    const text = bytes.toString("utf8");
    try {
      return this.#parse(text, received);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.counts.badFrames += 1;
      const reliedOn = Math.min(this.lastEventTime ?? received, received);
      this.#badFrames.add({ error, text, markets, received, reliedOn, lastTrade: this.#lastTradeReceived });
      return { kind: "events", events: error.events };
    }
  }

  /**
   * Puts what is new into the log, behind the gaps that it shows.
   *
   * @param replayed whether another connection may have brought the same before
   */
  take({ parsed, received }: Message, suspects: SuspectedGaps, replayed = false): void {
    for (const event of parsed.events) {
      if (isDatedAhead(event)) this.#noteAhead(event);
      this.#judge(event, received, suspects);
      if (event.type === "trade") this.#takeTrade(event, received);
      else {
        this.#takeTicker(event, replayed);
        if (!replayed) this.#volumes?.ticker(event, parsed.volumes?.get(event.instrument));
      }
    }
    for (const [instrument, id] of parsed.lastTradeIds ?? []) {
      const ticker = parsed.events.find((event) => event.instrument === instrument);
      const time = ticker === undefined ? received : reliedTime(ticker);
      this.#tradeIds?.judge({ by: "ticker", instrument, id, time, until: received }, suspects);
    }
  }

  /** To be called every second: backfills for unreadable frames, and for trades that tickers show and that never came. */
  tick(now: number): void {
    for (const [instrument, { since, until }] of this.#badFrames.takeUnreadable())
      this.#backfill(instrument, "unreadable_frame", since, until);
    this.#tradeIds?.tick(now);
    for (const { instrument, since } of this.#volumes?.tick() ?? [])
      this.#backfill(instrument, "missed_trades", since, now);
  }

  /** The connection that brings these markets is gone. */
  disconnected(markets: readonly Market[]): void {
    for (const { instrument } of markets) this.#volumes?.disconnected(instrument);
  }

  /** An instrument is not collected for a while. */
  leaveOut(instrument: string): void {
    this.#volumes?.forget(instrument);
  }

  /** Forgets nothing of these markets' trades until they are released. */
  hold(markets: readonly Market[]): void {
    for (const { instrument } of markets) this.#options.deduplicator.hold(instrument);
  }

  release(markets: readonly Market[]): void {
    for (const { instrument } of markets) this.#options.deduplicator.release(instrument);
  }

  /** The deadline has come: what no frame has shown to be complete may lack trades. */
  giveUp(suspects: SuspectedGaps, now: number): void {
    const until = Math.max(now, this.lastEventTime ?? 0);
    for (const [instrument, { cause, since }] of suspects.takeAll()) {
      this.#backfill(instrument, cause, since, until);
    }
  }

  #takeTrade(trade: TradeEvent, received: number): void {
    const { deduplicator } = this.#options;
    this.#lastTradeReceived = received;
    if (deduplicator.reusesId(trade)) this.#beginAnew(trade);
    const isNew = deduplicator.admit(trade);
    this.#volumes?.trade(trade, isNew);
    if (!isNew) {
      this.counts.repeats += 1;
      return;
    }
    this.#tradeIds?.count(trade.instrument, trade.id, reliedTime(trade));
    if (!trade.snapshot) this.lastEventTime = Math.max(this.lastEventTime ?? 0, boundedTime(trade));
    this.#append(trade.snapshot ? { ...trade, late: true } : trade);
  }

  /** An id that another trade has had: what came with ids between the two may be missing. */
  #beginAnew(trade: TradeEvent): void {
    const { deduplicator, logger } = this.#options;
    const { instrument, id } = trade;
    const since = deduplicator.lastTime(instrument) ?? reliedTime(trade);
    logger.warn({ instrument, id }, "the exchange has begun its trade ids anew");
    deduplicator.renumber(instrument);
    this.#backfill(instrument, "missed_trades", since, boundedTime(trade));
  }

  /** A ticker that is no newer than the last one would take the price back. */
  #takeTicker(ticker: TickerEvent, replayed: boolean): void {
    const last = this.#lastTickers.get(ticker.instrument) ?? 0;
    if (replayed && ticker.time <= last) return;
    this.#lastTickers.set(ticker.instrument, boundedTime(ticker));
    this.#append(ticker);
  }

  #append(event: ParsedEvent): void {
    this.counts.events += 1;
    this.#options.writer.append(event);
  }

  /** What an event shows of the trades before it. Times are the exchange's: its clock may be ahead of ours. */
  #judge(event: ParsedEvent, received: number, suspects: SuspectedGaps): void {
    const { instrument } = event;
    const until = Math.max(received, boundedTime(event));
    if (this.#tradeIds !== undefined) {
      if (event.type !== "trade") return;
      this.#tradeIds.judge({ by: "trade", instrument, id: event.id ?? "0", time: reliedTime(event), until }, suspects);
      return;
    }
    const suspect = suspects.get(instrument);
    const missed = suspect && suspects.settle(instrument, judgeByTime(event, suspect));
    if (missed !== undefined) this.#backfill(instrument, missed.cause, missed.since, until);
  }

  #backfill(instrument: string, cause: GapCause, since: number, until: number): void {
    this.#options.backfiller.backfill(instrument, cause, since - REORDER_WINDOW, until);
    this.#volumes?.cover(instrument, until);
  }

  /** It stands in the log as the exchange dated it; nothing is concluded from its time. */
  #noteAhead({ instrument, time, received }: ParsedEvent): void {
    this.counts.datedAhead += 1;
    const now = Date.now();
    if (now - this.#warned < WARNING_PERIOD) return;
    this.#warned = now;
    const { logger } = this.#options;
    logger.warn(
      { instrument, time, received },
      "an event is dated in the future: the exchange's fault, or our clock is behind",
    );
  }
}
