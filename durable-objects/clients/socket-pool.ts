/**
 * The client sockets of an object, whatever they listen to: accepted so that they hibernate, sent to within bounds, and let go
 * of when they are too slow, silent or gone.
 */

import type { CloseReason } from "../../protocol/edge-counts.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { EdgeCounters } from "../edge-counters.ts";
import { refuse } from "../sockets.ts";
import type { Arrival } from "./arrival.ts";
import { Backpressure, type Sent } from "./backpressure.ts";
import { MeteredSocket } from "./metered-socket.ts";

const TAG = "client";
/** Of a socket whose client takes server-sent events. */
const SSE_TAG = "format:sse";
/** How a socket that the Worker asks about is doing; of an `absent` client there was never a sign. */
export type Standing = "open" | "absent" | "closing" | "gone";

const addressTag = (address: string) => `address:${address}`;

/** A client that has pinged once and then stays silent for this long, ms, is taken for dead. */
const SILENCE = 120_000;

export class SocketPool {
  readonly #ctx: DurableObjectState;
  readonly #counters: EdgeCounters;
  readonly #onRemoved: (socket: MeteredSocket) => void;
  readonly #sockets = new Map<WebSocket, MeteredSocket>();
  /** Those that were sent away and may still hold what they have not taken. */
  readonly #closing = new Set<MeteredSocket>();
  readonly #backpressure = new Backpressure();

  /**
   * Finds the sockets that have outlived the object's memory.
   *
   * @param counters of the object
   * @param onRemoved hears of each socket that is forgotten
   */
  constructor(ctx: DurableObjectState, counters: EdgeCounters, onRemoved: (socket: MeteredSocket) => void) {
    this.#ctx = ctx;
    this.#counters = counters;
    this.#onRemoved = onRemoved;
    for (const ws of ctx.getWebSockets(TAG)) {
      const socket = new MeteredSocket(ws, Date.now(), counters, ctx.getTags(ws).includes(SSE_TAG) ? "sse" : "json");
      if (ws.readyState === WebSocket.OPEN) this.#sockets.set(ws, socket);
      else this.#closing.add(socket);
    }
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Those that are served. */
  get all(): Iterable<MeteredSocket> {
    return this.#sockets.values();
  }

  has(ws: WebSocket): boolean {
    return this.#sockets.has(ws);
  }

  get(ws: WebSocket): MeteredSocket | undefined {
    return this.#sockets.get(ws);
  }

  /** Whether one more of an address would be too many here. Tags tell, since they outlive the object's memory. */
  isFullFor({ address }: Arrival): boolean {
    if (address === null) return false;
    const held = this.#ctx.getWebSockets(addressTag(address)).filter((ws) => this.#sockets.has(ws));
    return held.length >= LIMITS.connections_per_address;
  }

  /**
   * @param attachment what the socket carries through hibernation
   * @returns undefined for one that was sent away at once, because so much waits for those who are there already
   */
  accept(ws: WebSocket, { session, address, format }: Arrival, attachment: unknown): MeteredSocket | undefined {
    const tags = [TAG, session, ...(format === "sse" ? [SSE_TAG] : [])];
    this.#ctx.acceptWebSocket(ws, address === null ? tags : [...tags, addressTag(address)]);
    ws.serializeAttachment(attachment);
    const socket = new MeteredSocket(ws, Date.now(), this.#counters, format);
    this.#sockets.set(ws, socket);
    this.dropSlow(Date.now());
    if (!this.#backpressure.crowded) return socket;
    this.dismiss(ws, new ProtocolError("overloaded", "too much waits for others here: come back later"));
    return undefined;
  }

  standing(session: string): Standing {
    const [ws] = this.#ctx.getWebSockets(session);
    if (ws === undefined || ws.readyState === WebSocket.CLOSED) return "gone";
    const socket = this.#sockets.get(ws);
    if (ws.readyState !== WebSocket.OPEN || socket === undefined) return "closing";
    return this.#backpressure.wasPresent(socket, Date.now()) ? "open" : "absent";
  }

  /** Forgets a socket that is gone, or about to be closed: nothing more is sent to it. @param why it is closed */
  remove(ws: WebSocket, why: CloseReason = "left"): void {
    const socket = this.#sockets.get(ws);
    if (socket === undefined) return;
    this.#sockets.delete(ws);
    this.#counters.closed(why);
    this.#onRemoved(socket);
  }

  /** Sends a live frame. @param now ms. @returns whether it was sent */
  send(socket: MeteredSocket, text: string, now: number): boolean {
    return this.#judge(socket.ws, this.#backpressure.send(socket, text, now));
  }

  /** Answers a client, if it is still there. */
  answer(ws: WebSocket, frame: ServerFrame): void {
    this.#sockets.get(ws)?.send(JSON.stringify(frame));
  }

  /** Sends everyone the same live frame. @param now ms */
  broadcast(text: string, now: number): void {
    for (const socket of this.#sockets.values()) this.send(socket, text, now);
  }

  /** Sends a client what it asked for all at once, in several frames. @returns whether all was sent */
  sendAtOnce(ws: WebSocket, texts: readonly string[]): boolean {
    const socket = this.#sockets.get(ws);
    return socket !== undefined && this.#judge(ws, this.#backpressure.sendAtOnce(socket, texts, Date.now()));
  }

  /** Whether a client has taken what it was sent at once. */
  hasRoom(ws: WebSocket): boolean {
    const socket = this.#sockets.get(ws);
    return socket !== undefined && this.#backpressure.hasRoom(socket, Date.now());
  }

  /** Whether no more waits for a client, which has just sent something, than may. */
  keepsUp(ws: WebSocket): boolean {
    const socket = this.#sockets.get(ws);
    return socket !== undefined && this.#backpressure.keepsUp(socket, Date.now());
  }

  /** A client has answered a probe. */
  probeAnswered(ws: WebSocket, id: number): void {
    const socket = this.#sockets.get(ws);
    if (socket !== undefined) this.#backpressure.answered(socket, id, Date.now());
  }

  /** Closes those that hold up too much, or have never been there. @param now ms */
  dropSlow(now: number): void {
    for (const { socket, sent } of this.#backpressure.sweep(this.#sockets.values(), this.#closing, now)) {
      this.#judge(socket.ws, sent);
    }
  }

  /** Closes those that used to ping and have stopped: pings are answered by the runtime, which keeps the time. @param now ms */
  dropSilent(now: number): void {
    for (const ws of this.#sockets.keys()) {
      const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime();
      if (pinged !== undefined && now - pinged > SILENCE) {
        this.remove(ws, "silent");
        ws.close(4000, "no ping for two minutes");
      }
    }
  }

  /** Sends a client away, with the reason. */
  dismiss(ws: WebSocket, error: ProtocolError): void {
    const socket = this.#sockets.get(ws);
    if (socket !== undefined) this.#closing.add(socket);
    this.remove(ws, error.code);
    refuse(ws, error, socket?.format);
  }

  /** Sends everyone away, with the reason. */
  dismissAll(error: ProtocolError): void {
    for (const ws of this.#sockets.keys()) this.dismiss(ws, error);
  }

  /** Closing loses nothing: whoever comes back resumes from the last item that it has read. */
  #judge(ws: WebSocket, sent: Sent): boolean {
    if (sent === "gone") this.remove(ws);
    if (sent === "slow")
      this.dismiss(ws, new ProtocolError("slow_consumer", "this connection takes less than it is sent: resume"));
    return sent === "sent";
  }
}
