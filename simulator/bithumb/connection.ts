import type { WebSocket } from "ws";
import { type ConnectionContext, type Request, UpbitProtocolConnection } from "../upbit-protocol/connection.ts";
import type { Format } from "./frames.ts";
import { readRequest } from "./request.ts";
import type { BithumbSettings } from "./settings.ts";

/** A client of Bithumb. */
export class BithumbConnection extends UpbitProtocolConnection<Format, BithumbSettings> {
  constructor(socket: WebSocket, context: ConnectionContext<Format, BithumbSettings>) {
    super(socket, "DEFAULT", context);
  }

  protected read(text: string): Request<Format> {
    return readRequest(text);
  }
}
