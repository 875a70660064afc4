/** What becomes of a frame: its bytes go to the raw log, its events to the ticks, and what it shows to be missing is fetched. */

import type { GapCause, TickerEvent, TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { type Exchange, FrameError, type Parse, type Parsed, type ParsedEvent } from "../exchanges/exchange.ts";
import type { TickWriter } from "../log/log.ts";
import type { Logger } from "../logger.ts";
import { BadFrames, marketsNamed } from "./bad-frames.ts";
import { type Doubts, judgeById, judgeByTime, OVERLAP, type Verdict } from "./doubts.ts";
import type { Healer } from "./healer.ts";
import type { KnownTrades } from "./known-trades.ts";

export interface IntakeOptions {
  readonly exchange: Exchange;
  readonly writer: TickWriter;
  readonly known: KnownTrades;
  readonly healer: Healer;
  readonly logger: Logger;
}

/** What has been counted since the start. */
export interface IntakeCounts {
  frames: number;
  events: number;
  /** Trades kept out because the log has them. */
  repeats: number;
  badFrames: number;
}

/** What a frame told, and when it came (ms). */
export interface Message {
  readonly parsed: Extract<Parsed, { kind: "events" }>;
  readonly received: number;
}

/** A ticker may be ahead of the trades it tells of, ms. */
const TICKER_LEAD = 2000;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #badFrames: BadFrames;
  readonly counts: IntakeCounts = { frames: 0, events: 0, repeats: 0, badFrames: 0 };
  #parse: Parse;
  /** Where ids count up: the highest of each instrument, and when it was executed (ms). */
  readonly #last = new Map<string, { readonly id: string; readonly time: number }>();
  /** When (ms) the last ticker of each instrument was. */
  readonly #lastTickers = new Map<string, number>();
  /** Trades that a ticker has told of and that have not come: the id, and since when (ms). */
  readonly #announced = new Map<string, { readonly id: string; readonly at: number }>();
  /** When (ms) frames came that can't be read, since the last {@link tick}. */
  readonly #unread = new Map<string, { readonly since: number; readonly until: number }>();
  /** On the exchange's clock, ms. */
  lastEventTime: number | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#badFrames = new BadFrames(options.logger);
    this.#parse = options.exchange.parser([]);
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
      this.#badFrames.log(error.message, text);
      this.#remember(marketsNamed(text, markets), received);
      return { kind: "events", events: error.events };
    }
  }

  /**
   * Puts what is new into the log, behind the gaps that it shows.
   *
   * @param replayed whether another connection may have brought the same before
   */
  take({ parsed, received }: Message, doubts: Doubts, replayed = false): void {
    for (const event of parsed.events) {
      this.#judge(event, received, doubts);
      if (event.type === "trade") this.#takeTrade(event);
      else this.#takeTicker(event, replayed);
    }
    for (const [instrument, id] of parsed.lastTradeIds ?? []) {
      this.#judgeId("ticker", instrument, id, received, doubts);
    }
  }

  /** To be called every second: fetches what bad frames may have told, and trades that tickers told of and that never came. */
  tick(now: number): void {
    // Gathered, because an exchange that has changed its frames sends nothing else.
    for (const [instrument, { since, until }] of this.#unread) this.#heal(instrument, "unreadable_frame", since, until);
    this.#unread.clear();
    for (const [instrument, { id, at }] of this.#announced) {
      if (now - at < TICKER_LEAD) continue;
      this.#announced.delete(instrument);
      const last = this.#lastOf(instrument);
      if (last === null || Number(id) <= Number(last.id)) continue;
      this.#heal(instrument, "missed_trades", last.time, Math.max(now, at));
      this.#last.set(instrument, { id, time: last.time });
    }
  }

  /** Forgets nothing of these markets' trades until they are released. */
  hold(markets: readonly Market[]): void {
    for (const { instrument } of markets) this.#options.known.hold(instrument);
  }

  release(markets: readonly Market[]): void {
    for (const { instrument } of markets) this.#options.known.release(instrument);
  }

  /** The deadline has come: what no frame has shown to be complete may lack trades. */
  giveUp(doubts: Doubts, now: number): void {
    const until = Math.max(now, this.lastEventTime ?? 0);
    for (const [instrument, { cause, since }] of doubts.takeAll()) {
      this.#heal(instrument, cause, since, until);
    }
  }

  #takeTrade(trade: TradeEvent): void {
    if (!this.#options.known.admit(trade)) {
      this.counts.repeats += 1;
      return;
    }
    if (this.#countsUp) this.#count(trade);
    if (!trade.snapshot) this.lastEventTime = Math.max(this.lastEventTime ?? 0, trade.time);
    this.#append(trade.snapshot ? { ...trade, late: true } : trade);
  }

  /** A ticker that is no newer than the last one would take the price back. */
  #takeTicker(ticker: TickerEvent, replayed: boolean): void {
    const last = this.#lastTickers.get(ticker.instrument) ?? 0;
    if (replayed && ticker.time <= last) return;
    this.#lastTickers.set(ticker.instrument, ticker.time);
    this.#append(ticker);
  }

  #append(event: ParsedEvent): void {
    this.counts.events += 1;
    this.#options.writer.append(event);
  }

  /** What an event shows of the trades before it. Times are the exchange's: its clock may be ahead of ours. */
  #judge(event: ParsedEvent, received: number, doubts: Doubts): void {
    const doubt = doubts.get(event.instrument);
    const until = Math.max(received, event.time);
    if (this.#countsUp) {
      if (event.type === "trade") this.#judgeId("trade", event.instrument, event.id ?? "0", until, doubts);
    } else if (doubt !== undefined) this.#settle(event.instrument, judgeByTime(event, doubt), until, doubts);
  }

  #judgeId(told: "trade" | "ticker", instrument: string, id: string, until: number, doubts: Doubts): void {
    const last = this.#lastOf(instrument);
    const verdict = judgeById(told, id, last?.id ?? null);
    if (doubts.get(instrument) !== undefined) {
      this.#settle(instrument, verdict, until, doubts);
      // Up to there it is fetched: the trades that follow show no other hole.
      if (verdict === "missed" && last !== null) this.#last.set(instrument, { id, time: last.time });
    } else if (verdict !== "missed" || last === null) return;
    else if (told === "trade") this.#heal(instrument, "missed_trades", last.time, until);
    // It may be on its way.
    else if (!this.#announced.has(instrument)) this.#announced.set(instrument, { id, at: until });
  }

  #settle(instrument: string, verdict: Verdict, until: number, doubts: Doubts): void {
    const doubt = doubts.get(instrument);
    if (doubt === undefined || verdict === undefined) return;
    doubts.clear(instrument);
    if (verdict === "missed") this.#heal(instrument, doubt.cause, doubt.since, until);
  }

  #heal(instrument: string, cause: GapCause, since: number, until: number): void {
    this.#options.healer.heal(instrument, cause, since - OVERLAP, until);
  }

  #remember(markets: readonly Market[], received: number): void {
    const since = this.lastEventTime ?? received;
    for (const { instrument } of markets) {
      const before = this.#unread.get(instrument);
      this.#unread.set(instrument, { since: before?.since ?? since, until: received });
    }
  }

  get #countsUp(): boolean {
    return this.#options.exchange.proof === "trade-ids";
  }

  #lastOf(instrument: string): { readonly id: string; readonly time: number } | null {
    const last = this.#last.get(instrument);
    if (last !== undefined) return last;
    const known = this.#options.known.newest(instrument);
    if (known !== null) this.#last.set(instrument, known);
    return known;
  }

  #count({ instrument, id, time }: TradeEvent): void {
    const last = this.#last.get(instrument);
    if (id !== null && (last === undefined || Number(id) > Number(last.id))) this.#last.set(instrument, { id, time });
  }
}
