import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { type Client, Clients, type SendOptions } from "./clients.ts";
import type { ExchangeServer, SimulatedExchange } from "./dialect.ts";
import type { BadFrame } from "./faults.ts";
import { refuse } from "./refuse.ts";
import type { Ticker } from "./statistics.ts";
import { countSent, type Trade } from "./trade.ts";

/** The REST half of a dialect. */
export interface Rest {
  /** Answers an HTTP request, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void;
}

/** The common part of a simulated exchange's server: broadcasts each trade to its subscribers, and does the faults on request. */
export abstract class DialectServer<C extends Client, R extends Rest = Rest> implements ExchangeServer {
  protected readonly exchange: SimulatedExchange;
  protected readonly rest: R;
  protected readonly clients = new Clients<C>();
  readonly #endTrades: () => void;

  constructor(exchange: SimulatedExchange, rest: R) {
    this.exchange = exchange;
    this.rest = rest;
    this.#endTrades = exchange.engine.onTrade((trade, ticker) => {
      this.publishTicker(ticker);
      if (!exchange.gate.swallows()) this.publishTrade(trade);
    });
  }

  /** The number of open sockets. */
  get size(): number {
    return this.clients.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.refusal(request.socket.remoteAddress ?? "");
    if (refusal) refuse(socket, refusal);
    else this.clients.accept(request, socket, head, (client) => this.connect(client, request));
  }

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    this.rest.handle(request, response, url);
  }

  drop(): number {
    return this.clients.drop();
  }

  fail(name: string, message: string): number {
    for (const client of this.clients) client.fail(name, message);
    return this.size;
  }

  /** Sends the live frames of the last `count` trades that went out again, in order; answers how many frames. */
  repeat(count: number): number {
    const trades = this.exchange.engine.log.newest(count, (trade) => trade.sentTo > 0).reverse();
    return trades.reduce((frames, trade) => frames + this.sendTrade(trade, {}), 0);
  }

  sendBad(how: BadFrame, market: string): number {
    const trade = this.exchange.engine.log.last(market);
    const finish = (frame: string) =>
      how === "malformed" ? frame.slice(0, -Math.floor(frame.length / 3)) : this.corrupt(frame, how);
    return trade ? this.sendTrade(trade, { finish }) : 0;
  }

  /** Most exchanges announce no shutdown: 0 sockets. */
  leave(): number {
    return 0;
  }

  abstract delisted(code: string, last: Ticker): void;

  close(): void {
    this.#endTrades();
    this.clients.close();
  }

  /** Why a handshake from an IP is refused now, as an HTTP status line such as "429 Too Many Requests"; counts one attempt. */
  protected abstract refusal(ip: string): string | undefined;

  /** A client that was let in with this upgrade. */
  protected abstract connect(socket: WebSocket, request: IncomingMessage): C;

  /** Publishes a market's new figures, before the trade that changed them. */
  protected abstract publishTicker(ticker: Ticker): void;

  /** Sends a trade's live frames to their subscribers; answers how many frames. */
  protected abstract sendTrade(trade: Trade, sending: SendOptions): number;

  /** A trade's live frame with the price of a wrong type, or without its price. */
  protected abstract corrupt(frame: string, how: Exclude<BadFrame, "malformed">): string;

  /** Sends a new trade at once, and counts the sockets that it goes to. */
  protected publishTrade(trade: Trade): void {
    this.sendTrade(trade, { onSent: () => countSent(trade) });
  }
}
