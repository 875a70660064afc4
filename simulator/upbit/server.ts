import type { WebSocket } from "ws";
import type { SimulatedExchange } from "../dialect.ts";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import { UpbitProtocolServer } from "../upbit-protocol/server.ts";
import { UpbitConnection } from "./connection.ts";
import { type Format, upbitFrames } from "./frames.ts";
import { UpbitRest } from "./rest.ts";
import type { UpbitSettings } from "./settings.ts";

/** Upbit's public WebSocket, and its REST beside it. */
export class UpbitServer extends UpbitProtocolServer<Format, UpbitSettings> {
  readonly #connects: SlidingWindowLimiter;

  constructor(exchange: SimulatedExchange, settings: UpbitSettings) {
    super(exchange, new UpbitRest(exchange, settings), { frames: upbitFrames, settings });
    this.#connects = new SlidingWindowLimiter(settings.connects);
  }

  protected refusal(ip: string): string | undefined {
    return this.#connects.take(ip) ? undefined : "429 Too Many Requests";
  }

  protected connect(socket: WebSocket): UpbitConnection {
    return new UpbitConnection(socket, this.context);
  }
}
