import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Exchange } from "../dialect.ts";
import type { Trade } from "../engine.ts";
import type { BadFrame, Sockets } from "../faults.ts";
import { Limiter } from "../limiter.ts";
import { refuse } from "../refuse.ts";
import type { Ticker } from "../statistics.ts";
import { ChangedTickers } from "./changed-tickers.ts";
import { Connection } from "./connection.ts";
import { StreamEvent } from "./event.ts";
import { aggTradeFrame, miniTickerFrame, shutdownFrame, tickerFrame, tradeFrame } from "./frames.ts";
import type { TradeIds } from "./ids.ts";
import type { BinanceSettings } from "./settings.ts";
import { ALL_MINI_TICKERS, SHUTDOWN, streamOf, streamsIn } from "./streams.ts";

/** Binance's market streams: trades at once, tickers of what has changed in rounds, and nothing upon a subscription. */
export class BinanceSockets implements Sockets {
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #connections = new Set<Connection>();
  readonly #exchange: Exchange;
  readonly #settings: BinanceSettings;
  readonly #ids: TradeIds;
  readonly #connects: Limiter;
  readonly #tickers: ChangedTickers;
  readonly #endTrades: () => void;

  constructor(exchange: Exchange, settings: BinanceSettings, ids: TradeIds) {
    this.#exchange = exchange;
    this.#settings = settings;
    this.#ids = ids;
    this.#connects = new Limiter(settings.connects);
    this.#tickers = new ChangedTickers(settings.tickerMs, (changed) => this.#publishTickers(changed));
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
    const streams = streamsIn(new URL(request.url ?? "/", "http://simulator"));
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const connection = new Connection(client, this.#exchange.gate, this.#settings, streams);
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

  /** Sends every socket an error frame, then closes it; a name that is no code of Binance's goes before the message. */
  fail(name: string, message: string): number {
    const code = /^-?\d+$/.test(name) ? Number(name) : undefined;
    for (const connection of this.#connections)
      connection.fail(code ?? -1000, code === undefined ? `${name}: ${message}` : message);
    return this.#connections.size;
  }

  /** Sends again, unchanged and in order, the live frames of the last `count` trades that went out; answers how many frames. */
  repeat(count: number): number {
    const trades = this.#exchange.engine.log.newest(count, (trade) => trade.sentTo > 0).reverse();
    return trades.reduce((frames, trade) => frames + this.#sendTrade(trade), 0);
  }

  /** Sends a spoiled copy of a market's last trade frame to those who want it; answers how many frames. */
  sendBad(how: BadFrame, market: string): number {
    const trade = this.#exchange.engine.log.last(market);
    return trade ? this.#sendTrade(trade, { finish: (frame) => spoil(frame, how) }) : 0;
  }

  /** A market that is gone falls silent; Binance tells nobody. */
  delisted(code: string): void {
    this.#tickers.forget(code);
  }

  /** Sends `serverShutdown` to all and closes those who stay; answers how many sockets. */
  leave(): number {
    const event = new StreamEvent(SHUTDOWN, shutdownFrame(this.#exchange.now()));
    for (const connection of this.#connections) connection.leave(event);
    return this.#connections.size;
  }

  /** Cuts everything and ends. */
  close(): void {
    this.#endTrades();
    this.#tickers.close();
    this.drop();
    this.#server.close();
  }

  #publish(trade: Trade, ticker: Ticker): void {
    this.#tickers.note(ticker);
    if (this.#exchange.gate.swallows()) return;
    const onSent = () => {
      trade.sentTo += 1;
    };
    this.#sendTrade(trade, { onSent });
  }

  /** `onSent` is told of trade frames only: a client that wants aggregates too still got the trade once. */
  #sendTrade(trade: Trade, how: { onSent?: () => void; finish?: (frame: string) => string } = {}): number {
    const { onSent, finish } = how;
    const trades = streamOf(trade.market, "trade");
    const aggregates = streamOf(trade.market, "aggTrade");
    return (
      this.#broadcast(trades, () => new StreamEvent(trades, tradeFrame(trade, this.#ids), finish), onSent) +
      this.#broadcast(aggregates, () => new StreamEvent(aggregates, aggTradeFrame(trade, this.#ids), finish))
    );
  }

  #publishTickers(changed: readonly Ticker[]): void {
    const now = this.#exchange.now();
    for (const ticker of changed) {
      const full = streamOf(ticker.market, "ticker");
      const mini = streamOf(ticker.market, "miniTicker");
      this.#broadcast(full, () => new StreamEvent(full, tickerFrame(ticker, now, this.#ids)));
      this.#broadcast(mini, () => new StreamEvent(mini, miniTickerFrame(ticker, now)));
    }
    const all = () => `[${changed.map((ticker) => miniTickerFrame(ticker, now)).join(",")}]`;
    this.#broadcast(ALL_MINI_TICKERS, () => new StreamEvent(ALL_MINI_TICKERS, all()));
  }

  #broadcast(stream: string, make: () => StreamEvent, onSent?: () => void): number {
    const listeners = [...this.#connections].filter((connection) => connection.wants(stream));
    if (listeners.length === 0) return 0;
    const event = make();
    for (const connection of listeners) connection.send(event, onSent);
    return listeners.length;
  }
}

function spoil(frame: string, how: BadFrame): string {
  if (how === "malformed") return frame.slice(0, -Math.floor(frame.length / 3));
  return frame.replace(/"p":"[^"]*",/, how === "missing_field" ? "" : '"p":true,');
}
