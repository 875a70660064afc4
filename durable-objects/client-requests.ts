/** What clients send on a feed's sockets: counted against their budget, read, and passed on to whoever answers it. */

import { errorBody, ProtocolError } from "../protocol/errors.ts";
import { type ClientFrame, LIMITS } from "../protocol/frames.ts";
import { readClientMessage, requestIdOf } from "./client-message.ts";
import { MessageBudget } from "./message-budget.ts";
import { send } from "./sockets.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** So many missed trades cost a client as much as a message: asking for them again and again would slow everyone. */
const RECOVERED_FOR_ONE = 1000;

export class ClientRequests {
  readonly #subscriptions: Subscriptions;
  readonly #onDropped: (ws: WebSocket) => void;
  readonly #budget = new MessageBudget(LIMITS.messages_per_second);

  /** @param onDropped hears of a client that sends too much and is closed for it */
  constructor(subscriptions: Subscriptions, onDropped: (ws: WebSocket) => void) {
    this.#subscriptions = subscriptions;
    this.#onDropped = onDropped;
  }

  /** @param now ms */
  take(ws: WebSocket, message: string | ArrayBuffer, now: number): void {
    if (!this.#budget.spend(ws, now)) {
      const limit = `at most ${LIMITS.messages_per_second} messages a second`;
      send(ws, { op: "error", ...errorBody("rate_limited", limit) });
      this.#onDropped(ws);
      ws.close(4100, limit);
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
    this.#budget.charge(ws, Math.floor(events / RECOVERED_FOR_ONE), now);
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
        // The answer to a probe: nothing is probed yet, and an answer nobody asked for does no harm.
        break;
    }
  }
}
