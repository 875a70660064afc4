import type { WebSocket } from "ws";
import { type ChannelRequest, snapshotsOf } from "../channel-request.ts";
import type { SendOptions } from "../clients.ts";
import type { SimulatedExchange } from "../dialect.ts";
import { DialectServer } from "../dialect-server.ts";
import type { BadFrame } from "../faults.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Ticker } from "../statistics.ts";
import type { Trade } from "../trade.ts";
import { UpbitConnection } from "./connection.ts";
import { type Format, tickerFrame, tradeFrame } from "./frames.ts";
import { UpbitRest } from "./rest.ts";
import type { UpbitSettings } from "./settings.ts";

/**
 * Upbit's public WebSocket, and its REST beside it. Each trade goes out as a ticker frame and a trade frame, one ticker
 * for every trade: Upbit sends one on each trade, and without coalescing the number of frames is the number of trades.
 */
export class UpbitServer extends DialectServer<UpbitConnection> {
  readonly #settings: UpbitSettings;
  readonly #connects: SlidingWindowLimiter;

  constructor(exchange: SimulatedExchange, settings: UpbitSettings) {
    super(exchange, new UpbitRest(exchange, settings));
    this.#settings = settings;
    this.#connects = new SlidingWindowLimiter(settings.connects);
  }

  /** Sends a last ticker of state DELISTED to the ticker's subscribers. */
  delisted(code: string, last: Ticker): void {
    this.#broadcast("ticker", code, (format) => tickerFrame(last, format, "REALTIME", true));
  }

  protected refusal(ip: string): string | undefined {
    return this.#connects.take(ip) ? undefined : "429 Too Many Requests";
  }

  protected connect(socket: WebSocket): UpbitConnection {
    const onSubscribe = (to: UpbitConnection, channels: readonly ChannelRequest[]) => this.#sendSnapshots(to, channels);
    return new UpbitConnection(socket, this.exchange.gate, this.#settings, onSubscribe);
  }

  protected publishTicker(ticker: Ticker): void {
    this.#broadcast("ticker", ticker.market, (format) => tickerFrame(ticker, format, "REALTIME"));
  }

  protected sendTrade(trade: Trade, sending: SendOptions): number {
    return this.#broadcast("trade", trade.market, (format) => tradeFrame(trade, format, "REALTIME"), sending);
  }

  protected corrupt(frame: string, how: Exclude<BadFrame, "malformed">): string {
    return frame.replace(/("(?:trade_price|tp)":)[^,]+,/, how === "missing_field" ? "" : '$1"not a number",');
  }

  #broadcast(type: string, code: string, write: (format: Format) => string, sending?: SendOptions): number {
    return this.clients.broadcast((connection) => connection.wants(type, code), write, sending);
  }

  #sendSnapshots(connection: UpbitConnection, channels: readonly ChannelRequest[]): void {
    for (const { type, code } of snapshotsOf(channels)) {
      const frame = this.#snapshot(type, code, connection.format);
      if (frame) connection.send(frame);
    }
  }

  /** Unknown and lower-case codes get neither data nor an error; neither do types we send nothing for. */
  #snapshot(type: string, code: string, format: Format): string | undefined {
    const { engine } = this.exchange;
    const market = engine.market(code);
    const trade = engine.log.last(code);
    if (!market || !trade) return undefined;
    if (type === "trade") return tradeFrame(trade, format, "SNAPSHOT");
    return type === "ticker" ? tickerFrame(market.statistics.ticker, format, "SNAPSHOT") : undefined;
  }
}
