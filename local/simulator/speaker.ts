import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { type Client, Clients, type Sending } from "./clients.ts";
import type { Exchange, Speaker } from "./dialect.ts";
import type { Trade } from "./engine.ts";
import type { BadFrame } from "./faults.ts";
import { refuse } from "./refuse.ts";
import type { Ticker } from "./statistics.ts";

/** The REST half of a dialect. */
export interface Rest {
  /** Answers an HTTP request, whatever its path. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void;
}

/** What all exchanges do alike: each trade goes to those who listen, and faults are done on request. */
export abstract class DialectSpeaker<C extends Client, R extends Rest = Rest> implements Speaker {
  protected readonly exchange: Exchange;
  protected readonly rest: R;
  protected readonly clients = new Clients<C>();
  readonly #endTrades: () => void;

  constructor(exchange: Exchange, rest: R) {
    this.exchange = exchange;
    this.rest = rest;
    this.#endTrades = exchange.engine.onTrade((trade, ticker) => {
      this.tell(ticker);
      if (!exchange.gate.swallows()) this.publish(trade);
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
    return trades.reduce((frames, trade) => frames + this.send(trade, {}), 0);
  }

  sendBad(how: BadFrame, market: string): number {
    const trade = this.exchange.engine.log.last(market);
    const finish = (frame: string) =>
      how === "malformed" ? frame.slice(0, -Math.floor(frame.length / 3)) : this.spoil(frame, how);
    return trade ? this.send(trade, { finish }) : 0;
  }

  /** Most exchanges close without a word before: 0 sockets. */
  leave(): number {
    return 0;
  }

  abstract delisted(code: string, last: Ticker): void;

  close(): void {
    this.#endTrades();
    this.clients.close();
  }

  /** Why nobody may connect from an IP now, as an HTTP status line such as "429 Too Many Requests"; counts one attempt. */
  protected abstract refusal(ip: string): string | undefined;

  /** A client that was let in with this upgrade. */
  protected abstract connect(socket: WebSocket, request: IncomingMessage): C;

  /** A market's figures have changed, by a trade that is published next. */
  protected abstract tell(ticker: Ticker): void;

  /** Sends a trade's live frames to those who want them; answers how many frames. */
  protected abstract send(trade: Trade, sending: Sending): number;

  /** A trade's live frame with the price of a wrong type, or without its price. */
  protected abstract spoil(frame: string, how: Exclude<BadFrame, "malformed">): string;

  /** Sends a new trade at once, and counts the sockets that it goes to. */
  protected publish(trade: Trade): void {
    this.send(trade, { onSent: () => countSent(trade) });
  }
}

/** Notes that a trade was handed to one more socket. */
export function countSent(trade: Trade): void {
  trade.sentTo += 1;
}
