import type { WebSocket } from "ws";
import { SlidingWindowLimiter } from "../sliding-window-limiter.ts";
import type { ChannelRequest } from "../upbit-protocol/channel-request.ts";
import { type ConnectionContext, type Request, UpbitProtocolConnection } from "../upbit-protocol/connection.ts";
import type { Format } from "./frames.ts";
import { readRequest } from "./request.ts";
import type { UpbitSettings } from "./settings.ts";

/** A client of Upbit: a limit of messages, and LIST_SUBSCRIPTIONS. */
export class UpbitConnection extends UpbitProtocolConnection<Format, UpbitSettings> {
  readonly #limiter: SlidingWindowLimiter;
  #channels: readonly ChannelRequest[] = [];

  constructor(socket: WebSocket, context: ConnectionContext<Format, UpbitSettings>) {
    super(socket, "DEFAULT", context);
    this.#limiter = new SlidingWindowLimiter(context.settings.messages);
  }

  protected read(text: string): Request<Format> | undefined {
    // What Upbit does to a client over the limit is not documented; a policy close is the plainest refusal.
    if (!this.#limiter.take()) {
      this.socket.close(1008, "too many messages");
      return undefined;
    }
    const request = readRequest(text);
    if (request.kind === "list") {
      this.#answerList(request.ticket);
      return undefined;
    }
    if (request.kind === "subscribe") this.#channels = request.channels;
    return request;
  }

  #answerList(ticket: string): void {
    const result = this.#channels.map(({ type, codes }) => ({ type, codes }));
    this.send(JSON.stringify({ method: "LIST_SUBSCRIPTIONS", result, ticket }));
  }
}
