/** What makes a simulated exchange that exchange: its wire. The engine behind it trades alike for all of them. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Listing } from "./catalogue.ts";
import type { MarketEngine, Trade } from "./engine.ts";
import type { Sockets } from "./faults.ts";
import type { OutputGate } from "./gate.ts";
import type { Ticker, Window } from "./statistics.ts";

/** What a dialect is given to speak about. */
export interface Exchange {
  readonly engine: MarketEngine;
  readonly gate: OutputGate;
  /** Epoch ms. */
  readonly now: () => number;
}

/** An exchange's protocol, with its own values of everything that `settings` can change. */
export interface Dialect<Settings extends object = object> {
  /** As Tickcast calls it, such as `upbit`. */
  readonly name: string;
  /** The path of its public WebSocket, such as `/websocket/v1`. */
  readonly webSocketPath: string;
  /** What it lists, the busiest first; codes are quote first for every exchange (KRW-BTC), its own spelling is the dialect's affair. */
  listings(): Listing[];
  /** What open, high and low of its tickers cover. */
  readonly window: Window;
  /** Its own limits and times. */
  readonly settings: Settings;
  /**
   * A trade as text: the id, price and volume exactly as its live trade frame spells them.
   *
   * @param opened the engine's own start, ms: what ids that count up are derived from
   */
  spell(trade: Trade, opened: number): { readonly id: string; readonly price: string; readonly volume: string };
  /** Begins to speak. */
  open(exchange: Exchange, settings: Settings): Speaker;
}

/** One running dialect. */
export interface Speaker extends Sockets {
  /** Takes an HTTP upgrade of {@link Dialect.webSocketPath}; punishes who connects too often as the exchange does. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Answers an HTTP request, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void;
  /** A market was just taken off the list, with these figures: tells those who watch it, where the exchange does so. */
  delisted(code: string, last: Ticker): void;
  /** Cuts everything and ends. */
  close(): void;
}
