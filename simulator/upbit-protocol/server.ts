import type { SendOptions } from "../clients.ts";
import type { SimulatedExchange } from "../dialect.ts";
import { DialectServer, type Rest } from "../dialect-server.ts";
import type { BadFrame } from "../faults.ts";
import type { Ticker } from "../statistics.ts";
import type { Trade } from "../trade.ts";
import { type ChannelRequest, snapshotsOf } from "./channel-request.ts";
import type { ConnectionContext, ConnectionSettings, UpbitProtocolConnection } from "./connection.ts";
import type { FrameWriter } from "./frames.ts";

/**
 * A public WebSocket of Upbit's protocol. Each trade goes out as a ticker frame and a trade frame, one ticker for every
 * trade: Upbit sends one on each trade, and without coalescing the number of frames is the number of trades.
 *
 * @param F the formats of frames
 * @param S the settings of connections
 */
export abstract class UpbitProtocolServer<F, S extends ConnectionSettings> extends DialectServer<
  UpbitProtocolConnection<F, S>
> {
  protected readonly context: ConnectionContext<F, S>;
  readonly #frames: FrameWriter<F>;

  constructor(exchange: SimulatedExchange, rest: Rest, { frames, settings }: { frames: FrameWriter<F>; settings: S }) {
    super(exchange, rest);
    this.#frames = frames;
    const onSubscribe: ConnectionContext<F, S>["onSubscribe"] = (to, channels) => this.#sendSnapshots(to, channels);
    this.context = { gate: exchange.gate, settings, onSubscribe };
  }

  /** Sends a last ticker of state DELISTED to the ticker's subscribers. */
  delisted(code: string, last: Ticker): void {
    this.#broadcast("ticker", code, (format) => this.#frames.ticker(last, format, "REALTIME", true));
  }

  protected publishTicker(ticker: Ticker): void {
    this.#broadcast("ticker", ticker.market, (format) => this.#frames.ticker(ticker, format, "REALTIME"));
  }

  protected sendTrade(trade: Trade, sending: SendOptions): number {
    return this.#broadcast("trade", trade.market, (format) => this.#frames.trade(trade, format, "REALTIME"), sending);
  }

  protected corrupt(frame: string, how: Exclude<BadFrame, "malformed">): string {
    return frame.replace(/("(?:trade_price|tp)":)[^,]+,/, how === "missing_field" ? "" : '$1"not a number",');
  }

  #broadcast(type: string, code: string, write: (format: F) => string, sending?: SendOptions): number {
    return this.clients.broadcast((connection) => connection.wants(type, code), write, sending);
  }

  #sendSnapshots(connection: UpbitProtocolConnection<F, S>, channels: readonly ChannelRequest[]): void {
    for (const { type, code } of snapshotsOf(channels)) {
      const frame = this.#snapshot(type, code, connection.format);
      if (frame) connection.send(frame);
    }
  }

  /** Unknown and lower-case codes get neither data nor an error; neither do types we send nothing for. */
  #snapshot(type: string, code: string, format: F): string | undefined {
    const { engine } = this.exchange;
    const market = engine.market(code);
    const trade = engine.log.last(code);
    if (!market || !trade) return undefined;
    if (type === "trade") return this.#frames.trade(trade, format, "SNAPSHOT");
    return type === "ticker" ? this.#frames.ticker(market.statistics.ticker, format, "SNAPSHOT") : undefined;
  }
}
