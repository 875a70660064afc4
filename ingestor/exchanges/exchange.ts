/** What an exchange defines, in `feed.ts`, `parse.ts` and `history.ts`; what reading takes everywhere is in `frames.ts` and `markets.ts`. */

import type { Decimal } from "../../protocol/decimal.ts";
import type { TickerEvent, TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";

/** What a parser makes; gaps are the collector's own. */
export type ParsedEvent = TickerEvent | TradeEvent;

/** What a frame turned out to be. */
export type Parsed =
  | {
      readonly kind: "events";
      readonly events: readonly ParsedEvent[];
      /** The newest trade of an instrument as its ticker names it, by id: whoever has that one has missed nothing. */
      readonly lastTradeIds?: ReadonlyMap<string, string>;
      /** What was traded of an instrument up to its ticker's time, in a day or in the last 24 hours: trades must add up to it. */
      readonly volumes?: ReadonlyMap<string, Decimal>;
    }
  /** Heartbeats, order books: nothing of ours, and nothing wrong. */
  | { readonly kind: "ignored" }
  /** The exchange confirms the request of this id. */
  | { readonly kind: "accepted"; readonly request: string }
  /** The exchange says that it did not like what we sent. */
  | { readonly kind: "refused"; readonly message: string }
  /** The exchange is about to close the connection: another one should be opened before it does. */
  | { readonly kind: "leaving" };

/** What an unreadable frame was about, as far as it is known: only what may have been a trade is backfilled. */
export type Subject = "trade" | "no-trade" | { readonly unknownType: string };

/** Thrown by a parser for a frame that is not what the exchange's documentation promises. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  /** The sound events of a frame that is a list: the bad one must not cost the others. */
  readonly events: readonly ParsedEvent[];
  /** `trade` also where it does not say. */
  readonly subject: Subject;

  constructor(message: string, events: readonly ParsedEvent[] = [], subject: Subject = "trade") {
    super(message);
    this.events = events;
    this.subject = subject;
  }
}

/** The kind of a fault: a {@link FrameError}'s message without what it quotes, and without where a frame stops being JSON. */
export function faultKind(message: string): string {
  return message.replace(/"[^"]*"?|'[^']*'?|\d+/g, "…").replace(/not JSON: .*$/s, "not JSON");
}

/**
 * Turns one frame's text into events.
 *
 * @param received when it arrived, ms; null where a recording does not say
 * @throws {FrameError} naming the field that is wrong
 */
export type Parse = (frame: string, received: number | null) => Parsed;

/** So many in any period of so many ms. */
export interface Limit {
  readonly count: number;
  readonly per: number;
}

/** A message to the exchange, and the id by which its answer names it where it gives one. */
export interface FeedRequest {
  readonly frame: string;
  readonly id?: string;
}

/** How to talk to an exchange's WebSocket. */
export interface Feed {
  /**
   * What to send so that a connection that brings `before` (nothing, when it is new) brings `wanted`: everything once more
   * where a request replaces the one before it, the difference where requests add up.
   */
  subscribe(wanted: readonly Market[], before: readonly Market[]): FeedRequest[];
  /** As many markets as one connection can take; absent where it takes all. */
  readonly marketsPerConnection?: number;
  /** Messages that may be sent on one connection, our pings among them. */
  readonly sends: Limit;
  /** A protocol ping is sent this often, ms, so that an idle connection is not closed; null where the exchange pings. */
  readonly pingEvery: number | null;
  /** No data for this long, ms, on a connection with many markets means that it is dead. */
  readonly silence: number;
  /** Connection attempts allowed. */
  readonly connects: Limit;
  /** A connection is replaced after about this long, ms, because the exchange would end it soon after. */
  readonly lifetime?: number;
}

/** What is wanted of a market's trade history. Times in ms. */
export interface TimeRange {
  readonly since: number;
  readonly until: number;
  /** The newest trade before it that we have, by id; null where none is known. */
  readonly lastId: string | null;
}

/** Asks the exchange's REST API for a path with its query; resolves with the body of an answer of 200. */
export type Get = (path: string) => Promise<string>;

/** Thrown when an exchange's trade history will not give what is asked for, however often it is asked. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
}

/** Thrown when an exchange does not answer at the moment, or answers nothing of use: asked later, it may. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** An exchange's trade history by REST, as far back as it goes. */
export interface History {
  /** Requests allowed. */
  readonly requests: Limit;
  /** Whether a trade has the same id here as on the socket; else trades are matched by time, price, size, side and count. */
  readonly sameIds: boolean;
  /** Which of a range's trades come first. Those that come oldest first need not be gathered to be put into the log. */
  readonly order: "newest-first" | "oldest-first";
  /**
   * The trades of a range, a page at a time; there may be others before and after it. It returns from which time on (ms) it
   * is complete.
   *
   * @throws {FrameError} for an answer that is not what the documentation promises
   * @throws {HistoryError} when the exchange has no history of this market
   * @throws {UnavailableError} when the exchange says that it can't answer now
   */
  trades(market: Market, range: TimeRange, get: Get): AsyncGenerator<readonly TradeEvent[], number, void>;
  /**
   * The trades in an answer, for who reads it again from the raw log; none when it holds other things.
   *
   * @throws {FrameError} naming the field that is wrong
   */
  read(body: string, instrument: string): readonly TradeEvent[];
}

/** A row of a market list that can't be read: it is left out, and the others are kept. */
export interface OddRow {
  readonly row: unknown;
  /** Names the field and what is wrong with it. */
  readonly reason: string;
}
export type OnOddRow = (odd: OddRow) => void;

export interface Exchange {
  readonly name: string;
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly feed: Feed;
  readonly history: History;
  /**
   * What shows that nothing was traded while we were away. `ticker-time`: a ticker's time is that of the last trade.
   * `trade-ids`: ids count up by one, so that a hole shows itself even on a connection that never broke.
   */
  readonly proof: "ticker-time" | "trade-ids";
  /** A parser for these markets: some exchanges' symbols can only be split with the market list at hand. */
  parser(markets: readonly Market[]): Parse;
  /**
   * Reads the body of the exchange's own market list, so that a recorded one serves as well as a fetched one.
   *
   * @param onOdd takes each row that is left out because it can't be read
   * @throws when it is not the list that the documentation promises, or no row of it can be read
   */
  readMarkets(body: string, onOdd?: OnOddRow): Market[];
  /**
   * The market list from the exchange's REST API.
   *
   * @throws {AnswerError} when the answer is not 200
   * @throws when there is no answer, or none that {@link readMarkets} can read
   */
  markets(restUrl: string, signal: AbortSignal, onOdd?: OnOddRow): Promise<Market[]>;
}
