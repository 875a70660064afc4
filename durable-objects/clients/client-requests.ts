/** What clients send on an object's sockets: counted by a token bucket, read, and passed on to whoever answers it. */

import { ProtocolError } from "../../protocol/errors.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { MultiClientFrame } from "../../protocol/multi-stream-frames.ts";
import { refuse } from "../sockets.ts";
import { type ClientFrameSchema, readClientMessage, requestIdOf } from "./client-message.ts";
import { bytesOf, costOf, isTooLong } from "./message-limits.ts";
import type { SocketPool } from "./socket-pool.ts";
import { TokenBucket } from "./token-bucket.ts";

/** So many missed trades cost a client as much as a message: asking for them again and again would slow everyone. */
const RECOVERED_FOR_ONE = 1000;

type FrameOf<Op extends MultiClientFrame["op"]> = Extract<MultiClientFrame, { op: Op }>;

/** Who answers. */
export interface RequestParts {
  readonly schema: ClientFrameSchema;
  readonly pool: SocketPool;
  /** @throws {ProtocolError} what the client is told */
  readonly subscribe: (ws: WebSocket, request: FrameOf<"subscribe">) => void;
  readonly unsubscribe: (ws: WebSocket, request: FrameOf<"unsubscribe">) => void;
  /** Hears that a client is being closed for what it sends. */
  readonly onDropped: () => void;
}

export class ClientRequests {
  readonly #parts: RequestParts;
  readonly #bucket = new TokenBucket(LIMITS.messages_per_second);

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /** @param now ms */
  take(ws: WebSocket, message: string | ArrayBuffer, now: number): void {
    const error = this.#whyNot(ws, bytesOf(message), now);
    if (error !== undefined) {
      this.#parts.pool.remove(ws, error.code);
      this.#parts.onDropped();
      refuse(ws, error);
      return;
    }
    try {
      this.#obey(ws, readClientMessage(this.#parts.schema, message));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.pool.answer(ws, { op: "error", ...requestIdOf(message), ...error.body });
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
    if (this.#parts.pool.keepsUp(ws)) return undefined;
    return new ProtocolError("slow_consumer", "this connection does not take its answers: resume");
  }

  #obey(ws: WebSocket, frame: MultiClientFrame): void {
    switch (frame.op) {
      case "subscribe":
        this.#parts.subscribe(ws, frame);
        break;
      case "unsubscribe":
        this.#parts.unsubscribe(ws, frame);
        break;
      case "ping":
        this.#parts.pool.answer(ws, { op: "pong" });
        break;
      case "ack":
        // The answer to a probe. One that nobody asked for does no harm.
        this.#parts.pool.probeAnswered(ws, frame.id);
        break;
    }
  }
}
