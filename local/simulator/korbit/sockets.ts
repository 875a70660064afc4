import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Exchange } from "../dialect.ts";
import type { Trade } from "../engine.ts";
import type { BadFrame, Sockets } from "../faults.ts";
import { Limiter } from "../limiter.ts";
import { refuse } from "../refuse.ts";
import type { Ticker } from "../statistics.ts";
import { Connection, type Offer } from "./connection.ts";
import { tickerFrame, tradeFrame } from "./frames.ts";
import { Gathering } from "./gathering.ts";
import type { Channel } from "./request.ts";
import type { KorbitSettings } from "./settings.ts";
import { codeOf, symbolOf } from "./symbols.ts";

/** Korbit's public WebSocket: a ticker frame for every trade, and the trades one by one or a few in a frame. */
export class KorbitSockets implements Sockets {
  // Korbit compresses nothing.
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #connections = new Set<Connection>();
  readonly #exchange: Exchange;
  readonly #settings: KorbitSettings;
  readonly #connects: Limiter;
  readonly #gathering: Gathering;
  readonly #offer: Offer;
  readonly #endTrades: () => void;

  constructor(exchange: Exchange, settings: KorbitSettings) {
    this.#exchange = exchange;
    this.#settings = settings;
    this.#connects = new Limiter(settings.connects);
    this.#gathering = new Gathering(settings.gatherMs, (market, trades) => this.#sendTrades(market, trades));
    this.#offer = {
      isLaunched: (symbol) => this.#marketOf(symbol) !== undefined,
      snapshot: (type, symbol) => this.#snapshot(type, symbol),
    };
    this.#endTrades = exchange.engine.onTrade((trade, ticker) => this.#publish(trade, ticker));
  }

  /** The number of open sockets. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes an HTTP upgrade; 429 when this IP connects too often. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!this.#connects.take(request.socket.remoteAddress)) {
      refuse(socket, "429 Too Many Requests");
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const connection = new Connection(client, this.#exchange.gate, this.#settings, this.#offer);
      this.#connections.add(connection);
      client.on("close", () => this.#connections.delete(connection));
    });
  }

  /** Cuts every socket without a close frame; answers how many. */
  drop(): number {
    const sockets = [...this.#connections];
    for (const connection of sockets) connection.cut();
    return sockets.length;
  }

  /** Sends every socket an error frame, then closes it with 1000; answers how many. */
  fail(name: string, message: string): number {
    for (const connection of this.#connections) connection.fail(`${name}: ${message}`);
    return this.#connections.size;
  }

  /** Sends the last `count` trades that went out again, in order, each alone in a frame; answers how many frames. */
  repeat(count: number): number {
    const trades = this.#exchange.engine.log.newest(count, (trade) => trade.sentTo > 0).reverse();
    let frames = 0;
    for (const trade of trades) frames += this.#broadcast("trade", trade.market, () => single(trade));
    return frames;
  }

  /** Sends a spoiled copy of a market's last trade frame to those who want it; answers how many frames. */
  sendBad(how: BadFrame, market: string): number {
    const trade = this.#exchange.engine.log.last(market);
    return trade ? this.#broadcast("trade", market, () => spoil(single(trade), how)) : 0;
  }

  /** Korbit announces nothing: no socket is told. */
  leave(): number {
    return 0;
  }

  /** Sends at once what a market has waiting to share a frame. */
  protected release(code: string): void {
    this.#gathering.release(code);
  }

  /** Cuts everything and ends. */
  close(): void {
    this.#endTrades();
    this.#gathering.close();
    this.drop();
    this.#server.close();
  }

  #publish(trade: Trade, ticker: Ticker): void {
    this.#broadcast("ticker", trade.market, () => tickerFrame(ticker, { at: ticker.frameAt }));
    if (!this.#exchange.gate.swallows()) this.#gathering.add(trade);
  }

  #sendTrades(market: string, trades: readonly Trade[]): void {
    const at = Math.max(...trades.map(({ frameAt }) => frameAt));
    const onSent = () => {
      for (const trade of trades) trade.sentTo += 1;
    };
    this.#broadcast("trade", market, () => tradeFrame(market, trades, { at }), onSent);
  }

  #broadcast(type: Channel, market: string, write: () => string, onSent?: () => void): number {
    const symbol = symbolOf(market);
    const listening = [...this.#connections].filter((connection) => connection.wants(type, symbol));
    if (listening.length === 0) return 0;
    // One encoding, shared by all sockets.
    const frame = Buffer.from(write());
    for (const connection of listening) connection.send(frame, onSent);
    return listening.length;
  }

  #snapshot(type: Channel, symbol: string): string | undefined {
    const market = this.#marketOf(symbol);
    const trade = market && this.#exchange.engine.log.last(market.code);
    if (!trade) return undefined;
    const sending = { at: Math.max(trade.frameAt, this.#exchange.now()), snapshot: true };
    if (type === "trade") return tradeFrame(market.code, [trade], sending);
    return type === "ticker" ? tickerFrame(market.statistics.ticker, sending) : undefined;
  }

  #marketOf(symbol: string) {
    const code = codeOf(symbol);
    return code === undefined ? undefined : this.#exchange.engine.market(code);
  }
}

function single(trade: Trade): string {
  return tradeFrame(trade.market, [trade], { at: trade.frameAt });
}

function spoil(frame: string, how: BadFrame): string {
  if (how === "malformed") return frame.slice(0, -Math.floor(frame.length / 3));
  return frame.replace(/("price":)"[^"]*",/, how === "missing_field" ? "" : "$1true,");
}
