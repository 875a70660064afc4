import type { WebSocket } from "ws";
import type { Sending } from "../clients.ts";
import type { Exchange } from "../dialect.ts";
import type { Trade } from "../engine.ts";
import type { BadFrame } from "../faults.ts";
import { Limiter } from "../limiter.ts";
import { countSent, DialectSpeaker } from "../speaker.ts";
import type { Ticker } from "../statistics.ts";
import { Connection, type Offer } from "./connection.ts";
import { tickerFrame, tradeFrame } from "./frames.ts";
import { Gathering } from "./gathering.ts";
import type { Channel } from "./request.ts";
import { KorbitRest } from "./rest.ts";
import type { KorbitSettings } from "./settings.ts";
import { codeOf, symbolOf } from "./symbols.ts";

/** Korbit's public WebSocket: a ticker frame for every trade, and the trades one by one or a few in a frame; and its REST. */
export class KorbitSpeaker extends DialectSpeaker<Connection, KorbitRest> {
  readonly #settings: KorbitSettings;
  readonly #connects: Limiter;
  readonly #gathering: Gathering;
  readonly #offer: Offer;

  constructor(exchange: Exchange, settings: KorbitSettings) {
    super(exchange, new KorbitRest(exchange, settings));
    this.#settings = settings;
    this.#connects = new Limiter(settings.connects);
    this.#gathering = new Gathering(settings.gatherMs, (market, trades) => this.#sendNew(market, trades));
    this.#offer = {
      isLaunched: (symbol) => this.#marketOf(symbol) !== undefined,
      snapshot: (type, symbol) => this.#snapshot(type, symbol),
    };
  }

  /** Silence on the sockets, after what was waiting to share a frame, and a stopped pair over REST; Korbit has no frame for it. */
  delisted(code: string): void {
    this.#gathering.release(code);
    this.rest.delisted(code);
  }

  override close(): void {
    this.#gathering.close();
    super.close();
  }

  protected refusal(ip: string): string | undefined {
    return this.#connects.take(ip) ? undefined : "429 Too Many Requests";
  }

  protected connect(socket: WebSocket): Connection {
    return new Connection(socket, this.exchange.gate, this.#settings, this.#offer);
  }

  protected tell(ticker: Ticker): void {
    this.#broadcast("ticker", ticker.market, () => tickerFrame(ticker, { at: ticker.frameAt }));
  }

  protected override publish(trade: Trade): void {
    this.#gathering.add(trade);
  }

  /** Alone in a frame, even if it first went out together with others. */
  protected send(trade: Trade, sending: Sending): number {
    return this.#sendTogether(trade.market, [trade], sending);
  }

  protected spoil(frame: string, how: Exclude<BadFrame, "malformed">): string {
    return frame.replace(/("price":)"[^"]*",/, how === "missing_field" ? "" : "$1true,");
  }

  #sendNew(market: string, trades: readonly Trade[]): void {
    this.#sendTogether(market, trades, { onSent: () => trades.forEach(countSent) });
  }

  #sendTogether(market: string, trades: readonly Trade[], sending: Sending): number {
    const at = Math.max(...trades.map(({ frameAt }) => frameAt));
    return this.#broadcast("trade", market, () => tradeFrame(market, trades, { at }), sending);
  }

  #broadcast(type: Channel, market: string, write: () => string, sending?: Sending): number {
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
