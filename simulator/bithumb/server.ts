import type { WebSocket } from "ws";
import type { SimulatedExchange } from "../dialect.ts";
import { UpbitProtocolServer } from "../upbit-protocol/server.ts";
import { ConnectLimiter } from "./connect-limiter.ts";
import { BithumbConnection } from "./connection.ts";
import { bithumbFrames, type Format } from "./frames.ts";
import { BithumbRest } from "./rest.ts";
import type { BithumbSettings } from "./settings.ts";

/** Bithumb's public WebSocket, and its REST beside it. */
export class BithumbServer extends UpbitProtocolServer<Format, BithumbSettings> {
  readonly #connects: ConnectLimiter;

  constructor(exchange: SimulatedExchange, settings: BithumbSettings) {
    super(exchange, new BithumbRest(exchange, settings), { frames: bithumbFrames, settings });
    this.#connects = new ConnectLimiter(settings);
  }

  protected refusal(ip: string): string | undefined {
    return this.#connects.refusal(ip);
  }

  protected connect(socket: WebSocket): BithumbConnection {
    return new BithumbConnection(socket, this.context);
  }
}
