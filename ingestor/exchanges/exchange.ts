/** What an exchange must tell the runner: two small files, `feed.ts` and `parse.ts`, and nothing shared between exchanges. */

import type { TickerEvent, TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";

/** What a parser makes; gaps are the collector's own. */
export type ParsedEvent = TickerEvent | TradeEvent;

/** What a frame turned out to be. */
export type Parsed =
  | { readonly kind: "events"; readonly events: readonly ParsedEvent[] }
  /** Acks, heartbeats, order books: nothing of ours, and nothing wrong. */
  | { readonly kind: "ignored" }
  /** The exchange says that it did not like what we sent. */
  | { readonly kind: "refused"; readonly message: string };

/** Thrown by a parser for a frame that is not what the exchange's documentation promises. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  /** The sound events of a frame that is a list: the bad one must not cost the others. */
  readonly events: readonly ParsedEvent[];

  constructor(message: string, events: readonly ParsedEvent[] = []) {
    super(message);
    this.events = events;
  }
}

/**
 * Turns one frame's text into events.
 *
 * @param received when it arrived, ms; null where a recording does not say
 * @throws {FrameError} naming the field that is wrong
 */
export type Parse = (frame: string, received: number | null) => Parsed;

/** How to talk to an exchange's WebSocket. */
export interface Feed {
  /** Text frames to send after connecting, and again whenever the list changes. */
  subscribe(markets: readonly Market[]): string[];
  /** A protocol ping is sent this often, ms, so that an idle connection is not closed. */
  readonly pingEvery: number;
  /** No data for this long, ms, on a connection with every market means that it is dead. */
  readonly silence: number;
  /** Connection attempts allowed per period. */
  readonly connects: { readonly count: number; readonly per: number };
}

export interface Exchange {
  readonly name: string;
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly feed: Feed;
  /** A parser for these markets: some exchanges' symbols can only be split with the market list at hand. */
  parser(markets: readonly Market[]): Parse;
  /**
   * Reads the body of the exchange's own market list, so that a recorded one serves as well as a fetched one.
   *
   * @throws when it is not the list that the documentation promises
   */
  readMarkets(body: string): Market[];
  /**
   * The market list from the exchange's REST API.
   *
   * @throws when there is no answer, or none that {@link readMarkets} can read
   */
  markets(restUrl: string, signal: AbortSignal): Promise<Market[]>;
}
