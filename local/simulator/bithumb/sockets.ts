import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Exchange } from "../dialect.ts";
import type { MarketEngine, Trade } from "../engine.ts";
import type { BadFrame, Sockets } from "../faults.ts";
import type { OutputGate } from "../gate.ts";
import { refuse } from "../refuse.ts";
import type { Ticker } from "../statistics.ts";
import { Connection } from "./connection.ts";
import { Doorkeeper } from "./doorkeeper.ts";
import { type Format, tickerFrame, tradeFrame } from "./frames.ts";
import type { Wish } from "./request.ts";
import type { BithumbSettings } from "./settings.ts";

/** Bithumb's public WebSocket: each trade goes out as a ticker frame and a trade frame. */
export class BithumbSockets implements Sockets {
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #connections = new Set<Connection>();
  readonly #engine: MarketEngine;
  readonly #gate: OutputGate;
  readonly #settings: BithumbSettings;
  readonly #door: Doorkeeper;
  readonly #endTrades: () => void;

  constructor({ engine, gate }: Exchange, settings: BithumbSettings) {
    this.#engine = engine;
    this.#gate = gate;
    this.#settings = settings;
    this.#door = new Doorkeeper(settings);
    this.#endTrades = engine.onTrade((trade, ticker) => this.#publish(trade, ticker));
  }

  /** The number of open sockets. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes an HTTP upgrade; 429 when this IP connects too often, and 403 for a while after. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#door.refusal(request.socket.remoteAddress ?? "");
    if (refusal) {
      refuse(socket, refusal);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const onSubscribe = (to: Connection, wishes: readonly Wish[]) => this.#sendSnapshots(to, wishes);
      const connection = new Connection(client, { gate: this.#gate, settings: this.#settings, onSubscribe });
      this.#connections.add(connection);
      client.on("close", () => this.#connections.delete(connection));
    });
  }

  /** Cuts every socket without a close frame; answers how many. */
  drop(): number {
    const { size } = this.#connections;
    for (const connection of this.#connections) connection.cut();
    return size;
  }

  /** Sends every socket an error frame, then closes it with 1000; answers how many. */
  fail(name: string, message: string): number {
    for (const connection of this.#connections) connection.fail(name, message);
    return this.#connections.size;
  }

  /** Sends again, unchanged and in order, the live frames of the last `count` trades that went out; answers how many frames. */
  repeat(count: number): number {
    const trades = this.#engine.log.newest(count, (trade) => trade.sentTo > 0).reverse();
    let frames = 0;
    for (const trade of trades) frames += this.#broadcast("trade", trade.market, (format) => live(trade, format));
    return frames;
  }

  /** Sends a spoiled copy of a market's last trade frame to those who want it; answers how many frames. */
  sendBad(how: BadFrame, market: string): number {
    const trade = this.#engine.log.last(market);
    return trade ? this.#broadcast("trade", market, (format) => spoil(live(trade, format), how)) : 0;
  }

  /** Bithumb closes without a word before. */
  leave(): number {
    return 0;
  }

  /** Tells those who watch a market's ticker that it is delisted. */
  delisted(code: string, last: Ticker): void {
    this.#broadcast("ticker", code, (format) => tickerFrame(last, format, "REALTIME", true));
  }

  /** Cuts everything and ends. */
  close(): void {
    this.#endTrades();
    this.drop();
    this.#server.close();
  }

  #publish(trade: Trade, ticker: Ticker): void {
    this.#broadcast("ticker", trade.market, (format) => tickerFrame(ticker, format, "REALTIME"));
    if (this.#gate.swallows()) return;
    const onSent = () => {
      trade.sentTo += 1;
    };
    this.#broadcast("trade", trade.market, (format) => live(trade, format), onSent);
  }

  #broadcast(type: string, code: string, write: (format: Format) => string, onSent?: () => void): number {
    const listeners = [...this.#connections].filter((connection) => connection.wants(type, code));
    // One encoding for each format in use, shared by all its sockets.
    const frames = new Map<Format, Buffer>();
    for (const connection of listeners) {
      const frame = frames.get(connection.format) ?? Buffer.from(write(connection.format));
      frames.set(connection.format, frame);
      connection.send(frame, onSent);
    }
    return listeners.length;
  }

  /** Unknown and lower-case codes get neither data nor an error. */
  #sendSnapshots(connection: Connection, wishes: readonly Wish[]): void {
    for (const { type, codes, snapshot } of wishes) {
      for (const code of snapshot ? codes : []) {
        const frame = this.#snapshot(type, code, connection.format);
        if (frame) connection.send(Buffer.from(frame));
      }
    }
  }

  #snapshot(type: string, code: string, format: Format): string | undefined {
    const market = this.#engine.market(code);
    const trade = this.#engine.log.last(code);
    if (!market || !trade) return undefined;
    if (type === "trade") return tradeFrame(trade, format, "SNAPSHOT");
    return type === "ticker" ? tickerFrame(market.statistics.ticker, format, "SNAPSHOT") : undefined;
  }
}

function live(trade: Trade, format: Format): string {
  return tradeFrame(trade, format, "REALTIME");
}

function spoil(frame: string, how: BadFrame): string {
  if (how === "malformed") return frame.slice(0, -Math.floor(frame.length / 3));
  return frame.replace(/("(?:trade_price|tp)":)[^,]+,/, how === "missing_field" ? "" : '$1"not a number",');
}
