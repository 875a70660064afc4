/** What clients send on a feed's sockets: counted by a token bucket, read, and passed on to whoever answers it. */

import { ProtocolError } from "../../protocol/errors.ts";
import { type ClientFrame, LIMITS } from "../../protocol/frames.ts";
import { bytesOf, costOf, isTooLong } from "../clients/message-limits.ts";
import { TokenBucket } from "../clients/token-bucket.ts";
import { refuse, send } from "../sockets.ts";
import { readClientMessage, requestIdOf } from "./client-message.ts";
import type { ClientSockets } from "./client-sockets.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** So many missed trades cost a client as much as a message: asking for them again and again would slow everyone. */
const RECOVERED_FOR_ONE = 1000;

export class ClientRequests {
  readonly #subscriptions: Subscriptions;
  readonly #clients: ClientSockets;
  readonly #onDropped: (ws: WebSocket) => void;
  readonly #bucket = new TokenBucket(LIMITS.messages_per_second);

  /** @param onDropped hears of a client that is about to be closed for what it sends */
  constructor(subscriptions: Subscriptions, clients: ClientSockets, onDropped: (ws: WebSocket) => void) {
    this.#subscriptions = subscriptions;
    this.#clients = clients;
    this.#onDropped = onDropped;
  }

  /** @param now ms */
  take(ws: WebSocket, message: string | ArrayBuffer, now: number): void {
    const error = this.#whyNot(ws, bytesOf(message), now);
    if (error !== undefined) {
      this.#onDropped(ws);
      refuse(ws, error);
      return;
    }
    try {
      this.#obey(ws, readClientMessage(message));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      send(ws, { op: "error", ...requestIdOf(message), ...error.body });
    }
  }

  /** So many events were sent to the client again. @param now ms */
  chargeRecovered(ws: WebSocket, events: number, now: number): void {
    this.#bucket.charge(ws, Math.floor(events / RECOVERED_FOR_ONE), now);
  }

  /** Why a client must go for what it has sent: what it may send in vain is bounded, since reading it delays all the others. */
  #whyNot(ws: WebSocket, bytes: number, now: number): ProtocolError | undefined {
    if (isTooLong(bytes)) {
      const limit = `at most ${LIMITS.message_bytes}`;
      return new ProtocolError("bad_request", `a message of ${bytes} bytes is too long: ${limit}`);
    }
    if (!this.#bucket.spend(ws, now, costOf(bytes))) {
      return new ProtocolError("rate_limited", `at most ${LIMITS.messages_per_second} messages a second`);
    }
    // Answers wait for it too.
    if (this.#clients.keepsUp(ws)) return undefined;
    return new ProtocolError("slow_consumer", "this connection does not take its answers: resume");
  }

  #obey(ws: WebSocket, frame: ClientFrame): void {
    switch (frame.op) {
      case "subscribe":
        this.#subscriptions.subscribe(ws, frame.id, frame.streams);
        break;
      case "unsubscribe":
        this.#subscriptions.unsubscribe(ws, frame.id, frame.streams);
        break;
      case "ping":
        send(ws, { op: "pong" });
        break;
      case "ack":
        // The answer to a probe. One that nobody asked for does no harm.
        this.#clients.probeAnswered(ws, frame.id);
        break;
    }
  }
}
