import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { SendOptions } from "../clients.ts";
import type { SimulatedExchange } from "../dialect.ts";
import { DialectServer } from "../dialect-server.ts";
import type { BadFrame } from "../faults.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Ticker } from "../statistics.ts";
import type { Trade } from "../trade.ts";
import { ChangedTickers } from "./changed-tickers.ts";
import { BinanceConnection } from "./connection.ts";
import { aggTradeFrame, framed, miniTickerFrame, shutdownFrame, tickerFrame, tradeFrame } from "./frames.ts";
import { TradeIds } from "./ids.ts";
import { BinanceRest } from "./rest.ts";
import type { BinanceSettings } from "./settings.ts";
import { ALL_MINI_TICKERS, SHUTDOWN, streamOf, streamsIn } from "./streams.ts";

/**
 * Binance's market streams: trades at once, tickers of what has changed in rounds, and nothing upon a subscription.
 * Its REST knows a trade by the same ids.
 */
export class BinanceServer extends DialectServer<BinanceConnection> {
  readonly #settings: BinanceSettings;
  readonly #ids: TradeIds;
  readonly #connects: SlidingWindowLimiter;
  readonly #tickers: ChangedTickers;

  constructor(exchange: SimulatedExchange, settings: BinanceSettings) {
    const ids = new TradeIds(exchange.engine.opened);
    super(exchange, new BinanceRest(exchange, settings, ids));
    this.#settings = settings;
    this.#ids = ids;
    this.#connects = new SlidingWindowLimiter(settings.connects);
    this.#tickers = new ChangedTickers(settings.tickerMs, (changed) => this.#sendTickers(changed));
  }

  /** A delisted market falls silent; Binance sends no notification. */
  delisted(code: string): void {
    this.#tickers.forget(code);
  }

  /** Sends `serverShutdown` to all, and closes the remaining ones later; answers how many sockets. */
  override leave(): number {
    const event = shutdownFrame(this.exchange.now());
    const told = this.clients.broadcast(
      () => true,
      (format) => framed(SHUTDOWN, event, format),
    );
    for (const connection of this.clients) connection.leave();
    return told;
  }

  override close(): void {
    this.#tickers.close();
    super.close();
  }

  protected refusal(ip: string): string | undefined {
    return this.#connects.take(ip) ? undefined : "429 Too Many Requests";
  }

  protected connect(socket: WebSocket, request: IncomingMessage): BinanceConnection {
    const streams = streamsIn(new URL(request.url ?? "/", "http://simulator"));
    return new BinanceConnection(socket, this.exchange.gate, this.#settings, streams);
  }

  protected publishTicker(ticker: Ticker): void {
    this.#tickers.note(ticker);
  }

  /** `onSent` counts trade frames only: a client of the aggregates too still got the trade once. */
  protected sendTrade(trade: Trade, sending: SendOptions): number {
    const { finish } = sending;
    return (
      this.#broadcast(streamOf(trade.market, "trade"), () => tradeFrame(trade, this.#ids), sending) +
      this.#broadcast(streamOf(trade.market, "aggTrade"), () => aggTradeFrame(trade, this.#ids), { finish })
    );
  }

  protected corrupt(frame: string, how: Exclude<BadFrame, "malformed">): string {
    return frame.replace(/"p":"[^"]*",/, how === "missing_field" ? "" : '"p":true,');
  }

  #sendTickers(changed: readonly Ticker[]): void {
    const now = this.exchange.now();
    for (const ticker of changed) {
      this.#broadcast(streamOf(ticker.market, "ticker"), () => tickerFrame(ticker, now, this.#ids));
      this.#broadcast(streamOf(ticker.market, "miniTicker"), () => miniTickerFrame(ticker, now));
    }
    const all = () => `[${changed.map((ticker) => miniTickerFrame(ticker, now)).join(",")}]`;
    this.#broadcast(ALL_MINI_TICKERS, all);
  }

  #broadcast(stream: string, event: () => string, sending?: SendOptions): number {
    return this.clients.broadcast(
      (connection) => connection.wants(stream),
      (format) => framed(stream, event(), format),
      sending,
    );
  }
}
