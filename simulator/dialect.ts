/** What makes a simulated exchange that exchange: its wire. The engine behind it trades alike for all of them. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Listing } from "./catalogue.ts";
import type { MarketEngine } from "./engine.ts";
import type { Sockets } from "./faults.ts";
import type { OutputGate } from "./gate.ts";
import type { Ticker, Window } from "./statistics.ts";
import type { Trade } from "./trade.ts";

/** The simulated exchange behind a dialect: engine, output gate and clock. */
export interface SimulatedExchange {
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
  /** What it lists, the busiest first; codes are quote first for every exchange (KRW-BTC), the dialect translates to its own symbols. */
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
  /** Starts the server. */
  open(exchange: SimulatedExchange, settings: Settings): ExchangeServer;
}

/** One running dialect. */
export interface ExchangeServer extends Sockets {
  /** Takes an HTTP upgrade of {@link Dialect.webSocketPath}, within the exchange's connection limits. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Answers an HTTP request, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void;
  /** A market was just delisted, with these figures: its subscribers are notified where the exchange does so. */
  delisted(code: string, last: Ticker): void;
  /** Cuts everything and ends. */
  close(): void;
}
