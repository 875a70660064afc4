/**
 * The pusher's socket at a feed. Its attachment holds what has been broadcast: that costs no storage write and no output
 * gate, and it lives exactly as long as client sockets can outlive the object's memory.
 */

import type { FeedFrame } from "../protocol/ingest.ts";
import type { Rate } from "../protocol/stream.ts";
import type { LinePositions } from "./lines.ts";
import { answerClose, sendOrDrop } from "./sockets.ts";

/** What was broadcast, by line, in which epoch. */
export interface Broadcast {
  readonly epoch: string;
  readonly positions: LinePositions;
}

const TAG = "publisher";

export class PublisherSocket {
  readonly #ctx: DurableObjectState;
  #socket: WebSocket | undefined;
  #lastAck = "";

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    this.#socket = ctx.getWebSockets(TAG).find((ws) => ws.readyState === WebSocket.OPEN);
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  is(ws: WebSocket): boolean {
    return ws === this.#socket;
  }

  /** What the socket remembers of earlier broadcasts, also while it is being closed. */
  broadcastBefore(ws: WebSocket | undefined = this.#socket): Broadcast | null {
    return (ws?.deserializeAttachment() ?? null) as Broadcast | null;
  }

  /** The newcomer takes the place of the one before, which is told so. */
  accept(ws: WebSocket, broadcast: Broadcast | null): void {
    const before = this.#socket;
    this.#ctx.acceptWebSocket(ws, [TAG]);
    this.#socket = ws;
    this.#lastAck = "";
    this.remember(broadcast);
    if (before === undefined) return;
    sendOrDrop(before, JSON.stringify({ op: "replaced" } satisfies FeedFrame));
    answerClose(before, 4000);
  }

  leave(): void {
    this.#socket = undefined;
  }

  remember(broadcast: Broadcast | null): void {
    if (broadcast !== null) this.#socket?.serializeAttachment(broadcast);
  }

  ready(epoch: string | null, seq: number, rates: Rate[]): void {
    this.#send({ op: "ready", epoch, seq, rates });
  }

  /** Says how far storage has got; the same ack is not said twice. */
  ack(epoch: string, seq: number, dirty: boolean): void {
    const frame = { op: "ack", epoch, seq, dirty } as const;
    const text = JSON.stringify(frame);
    if (text === this.#lastAck) return;
    this.#lastAck = text;
    this.#send(frame);
  }

  cadence(rates: Rate[]): void {
    this.#send({ op: "cadence", rates });
  }

  resend(epoch: string, from: number): void {
    this.#send({ op: "resend", epoch, from });
  }

  #send(frame: FeedFrame): void {
    if (this.#socket !== undefined) sendOrDrop(this.#socket, JSON.stringify(frame));
  }
}
