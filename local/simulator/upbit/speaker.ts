import type { WebSocket } from "ws";
import type { Sending } from "../clients.ts";
import type { Exchange } from "../dialect.ts";
import type { Trade } from "../engine.ts";
import type { BadFrame } from "../faults.ts";
import { Limiter } from "../limiter.ts";
import { DialectSpeaker } from "../speaker.ts";
import type { Ticker } from "../statistics.ts";
import { snapshotsOf, type Wish } from "../wishes.ts";
import { Connection } from "./connection.ts";
import { type Format, tickerFrame, tradeFrame } from "./frames.ts";
import { UpbitRest } from "./rest.ts";
import type { UpbitSettings } from "./settings.ts";

/**
 * Upbit's public WebSocket, and its REST beside it. Each trade goes out as a ticker frame and a trade frame, one ticker
 * for every trade: Upbit sends one on each trade, and without coalescing the count of frames says the count of trades.
 */
export class UpbitSpeaker extends DialectSpeaker<Connection> {
  readonly #settings: UpbitSettings;
  readonly #connects: Limiter;

  constructor(exchange: Exchange, settings: UpbitSettings) {
    super(exchange, new UpbitRest(exchange, settings));
    this.#settings = settings;
    this.#connects = new Limiter(settings.connects);
  }

  /** Tells those who watch a market's ticker that it is delisted. */
  delisted(code: string, last: Ticker): void {
    this.#broadcast("ticker", code, (format) => tickerFrame(last, format, "REALTIME", true));
  }

  protected refusal(ip: string): string | undefined {
    return this.#connects.take(ip) ? undefined : "429 Too Many Requests";
  }

  protected connect(socket: WebSocket): Connection {
    const onSubscribe = (to: Connection, wishes: readonly Wish[]) => this.#sendSnapshots(to, wishes);
    return new Connection(socket, this.exchange.gate, this.#settings, onSubscribe);
  }

  protected tell(ticker: Ticker): void {
    this.#broadcast("ticker", ticker.market, (format) => tickerFrame(ticker, format, "REALTIME"));
  }

  protected send(trade: Trade, sending: Sending): number {
    return this.#broadcast("trade", trade.market, (format) => tradeFrame(trade, format, "REALTIME"), sending);
  }

  protected spoil(frame: string, how: Exclude<BadFrame, "malformed">): string {
    return frame.replace(/("(?:trade_price|tp)":)[^,]+,/, how === "missing_field" ? "" : '$1"not a number",');
  }

  #broadcast(type: string, code: string, write: (format: Format) => string, sending?: Sending): number {
    return this.clients.broadcast((connection) => connection.wants(type, code), write, sending);
  }

  #sendSnapshots(connection: Connection, wishes: readonly Wish[]): void {
    for (const { type, code } of snapshotsOf(wishes)) {
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
