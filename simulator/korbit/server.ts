import type { WebSocket } from "ws";
import type { SendOptions } from "../clients.ts";
import type { SimulatedExchange } from "../dialect.ts";
import { DialectServer } from "../dialect-server.ts";
import type { BadFrame } from "../faults.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { Ticker } from "../statistics.ts";
import { countSent, type Trade } from "../trade.ts";
import { KorbitConnection, type MarketView } from "./connection.ts";
import { tickerFrame, tradeFrame } from "./frames.ts";
import type { Channel } from "./request.ts";
import { KorbitRest } from "./rest.ts";
import type { KorbitSettings } from "./settings.ts";
import { codeOf, symbolOf } from "./symbols.ts";
import { TradeBatcher } from "./trade-batcher.ts";

/** Korbit's public WebSocket: a ticker frame for every trade, and the trades one by one or a few in a frame; and its REST. */
export class KorbitServer extends DialectServer<KorbitConnection, KorbitRest> {
  readonly #settings: KorbitSettings;
  readonly #connects: SlidingWindowLimiter;
  readonly #batcher: TradeBatcher;
  readonly #view: MarketView;

  constructor(exchange: SimulatedExchange, settings: KorbitSettings) {
    super(exchange, new KorbitRest(exchange, settings));
    this.#settings = settings;
    this.#connects = new SlidingWindowLimiter(settings.connects);
    this.#batcher = new TradeBatcher(settings.batchMs, (market, trades) => this.#sendNew(market, trades));
    this.#view = {
      isLaunched: (symbol) => this.#marketOf(symbol) !== undefined,
      snapshot: (type, symbol) => this.#snapshot(type, symbol),
    };
  }

  /** Silence on the sockets, after what was waiting to share a frame, and a stopped pair over REST; Korbit has no frame for it. */
  delisted(code: string): void {
    this.#batcher.release(code);
    this.rest.delisted(code);
  }

  override close(): void {
    this.#batcher.close();
    super.close();
  }

  protected refusal(ip: string): string | undefined {
    return this.#connects.take(ip) ? undefined : "429 Too Many Requests";
  }

  protected connect(socket: WebSocket): KorbitConnection {
    return new KorbitConnection(socket, this.exchange.gate, this.#settings, this.#view);
  }

  protected publishTicker(ticker: Ticker): void {
    this.#broadcast("ticker", ticker.market, () => tickerFrame(ticker, { at: ticker.frameAt }));
  }

  protected override publishTrade(trade: Trade): void {
    this.#batcher.add(trade);
  }

  /** Alone in a frame, even if it first went out together with others. */
  protected sendTrade(trade: Trade, sending: SendOptions): number {
    return this.#sendTogether(trade.market, [trade], sending);
  }

  protected corrupt(frame: string, how: Exclude<BadFrame, "malformed">): string {
    return frame.replace(/("price":)"[^"]*",/, how === "missing_field" ? "" : "$1true,");
  }

  #sendNew(market: string, trades: readonly Trade[]): void {
    this.#sendTogether(market, trades, { onSent: () => trades.forEach(countSent) });
  }

  #sendTogether(market: string, trades: readonly Trade[], sending: SendOptions): number {
    const at = Math.max(...trades.map(({ frameAt }) => frameAt));
    return this.#broadcast("trade", market, () => tradeFrame(market, trades, { at }), sending);
  }

  #broadcast(type: Channel, market: string, write: () => string, sending?: SendOptions): number {
    const symbol = symbolOf(market);
    return this.clients.broadcast((connection) => connection.wants(type, symbol), write, sending);
  }

  #snapshot(type: Channel, symbol: string): string | undefined {
    const market = this.#marketOf(symbol);
    const trade = market && this.exchange.engine.log.last(market.code);
    if (!trade) return undefined;
    const sending = { at: Math.max(trade.frameAt, this.exchange.now()), snapshot: true };
    if (type === "trade") return tradeFrame(market.code, [trade], sending);
    return type === "ticker" ? tickerFrame(market.statistics.ticker, sending) : undefined;
  }

  #marketOf(symbol: string) {
    const code = codeOf(symbol);
    return code === undefined ? undefined : this.exchange.engine.market(code);
  }
}
