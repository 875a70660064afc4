/**
 * Sends to clients, and notices those that do not take what they are sent: by `bufferedAmount`, what the runtime still holds for
 * a client, and by probes for clients that answer them, since behind a proxy the runtime sees the proxy only.
 */

import type { ServerFrame } from "../../protocol/frames.ts";
import { ABSENT_BOUND, type ClientFlow } from "./client-flow.ts";
import type { MeteredSocket } from "./metered-socket.ts";

/** Bytes that may wait for all clients of an object together: it has 128 MB of memory. */
const OBJECT_BOUND = 67_108_864;
/** What is sent at once and is no longer than this, bytes, counts like anything else. */
const BURST = 65_536;
/** Who was never there within this long, ms, will not come. */
const FIRST_PATIENCE = 10_000;
/** Between two looks at all sockets, ms. */
const SWEEP_PERIOD = 1000;

/** What became of a frame: a client that has gone, or is too slow, did not get it. */
export type Sent = "sent" | "gone" | "slow";

/** A socket that nothing more can or must be sent to, and why. */
export interface Failing {
  readonly socket: MeteredSocket;
  readonly sent: Exclude<Sent, "sent">;
}

export class Backpressure {
  readonly #objectBound: number;
  #crowded = false;
  #lastSweep = 0;

  /** @param objectBound bytes that may wait for all clients together */
  constructor(objectBound = OBJECT_BOUND) {
    this.#objectBound = objectBound;
  }

  /** Whether so much waits that the object is in danger. */
  get crowded(): boolean {
    return this.#crowded;
  }

  /** Sends a live frame. @param now ms */
  send(socket: MeteredSocket, text: string, now: number): Sent {
    const within = socket.sendWithin(text);
    if (within !== undefined) return within ? "sent" : "gone";
    if (socket.ws.readyState !== WebSocket.OPEN) return "gone";
    if (this.#room(socket, now) < text.length) return "slow";
    if (!socket.send(text)) return "gone";
    socket.flow.sent(text.length, now);
    const id = socket.flow.nextProbe();
    if (id !== undefined) socket.send(JSON.stringify({ op: "probe", id } satisfies ServerFrame));
    // The next probe is due after so many bytes: nobody would think of it before the socket is looked at again.
    socket.grant(Math.max(0, Math.min(this.#room(socket, now), socket.flow.untilProbe)));
    return "sent";
  }

  /** Sends what a client asked for all at once. One that has not taken the last burst gets no other. @param now ms */
  sendAtOnce(socket: MeteredSocket, texts: readonly string[], now: number): Sent {
    if (socket.ws.readyState !== WebSocket.OPEN) return "gone";
    const bytes = texts.reduce((sum, { length }) => sum + length, 0);
    const room = this.#room(socket, now);
    if (bytes <= BURST) {
      if (room < bytes) return "slow";
      socket.flow.sent(bytes, now);
    } else {
      if (!socket.flow.burstTaken) return "slow";
      socket.flow.sentAtOnce(bytes);
    }
    return texts.every((text) => socket.send(text)) ? "sent" : "gone";
  }

  /** Whether a client has taken the last burst, so that {@link sendAtOnce} would send another one. @param now ms */
  hasRoom(socket: MeteredSocket, now: number): boolean {
    return this.#room(socket, now) >= BURST && socket.flow.burstTaken;
  }

  /** Whether no more waits for a client, which has just sent something, than may. @param now ms */
  keepsUp(socket: MeteredSocket, now: number): boolean {
    socket.flow.heard();
    return this.#room(socket, now) >= 0;
  }

  /** A client has answered a probe. @param now ms */
  answered(socket: MeteredSocket, id: number, now: number): void {
    // What went out behind the probe is entered first; and the next one falls due sooner than was granted.
    socket.settle(now);
    socket.flow.answered(id);
  }

  /** Whether the client was ever there, as far as can be told. @param now ms */
  wasPresent(socket: MeteredSocket, now: number): boolean {
    socket.settle(now);
    return socket.observe() === undefined || socket.flow.present;
  }

  /**
   * Looks, at most once a second, at all sockets for which something may wait.
   *
   * @param open those of the clients that are served
   * @param closing those that were sent away: what they have not taken is held all the same. Who holds nothing is taken out
   * @param now ms
   * @returns open ones that must be let go
   */
  sweep(open: Iterable<MeteredSocket>, closing: Set<MeteredSocket>, now: number): Failing[] {
    if (now - this.#lastSweep < SWEEP_PERIOD) return [];
    this.#lastSweep = now;
    const gone: Failing[] = [];
    const slow: Failing[] = [];
    const waiting: { readonly socket: MeteredSocket; readonly queued: number }[] = [];
    let total = heldBy(closing);
    for (const socket of open) {
      if (!socket.mayHold) continue;
      socket.settle(now);
      const queued = socket.observe() ?? 0;
      total += queued;
      if (socket.ws.readyState !== WebSocket.OPEN) gone.push({ socket, sent: "gone" });
      else if (queued > 0 && this.#mustGo(socket, queued, now)) slow.push({ socket, sent: "slow" });
      else if (queued > 0) waiting.push({ socket, queued });
    }
    this.#crowded = total > this.#objectBound;
    if (this.#crowded) slow.push(...this.#worst(waiting));
    return [...gone, ...slow];
  }

  /** Those for whom most waits, until half of what may wait in all is left: who keeps up is not among them. */
  #worst(waiting: readonly { readonly socket: MeteredSocket; readonly queued: number }[]): Failing[] {
    let rest = waiting.reduce((sum, { queued }) => sum + queued, 0);
    const worst: Failing[] = [];
    for (const { socket, queued } of waiting.toSorted((a, b) => b.queued - a.queued)) {
      if (rest <= this.#objectBound / 2) break;
      rest -= queued;
      worst.push({ socket, sent: "slow" });
    }
    return worst;
  }

  #mustGo({ flow, since }: MeteredSocket, queued: number, now: number): boolean {
    return this.#roomBehind(flow, queued, now) < 0 || (!flow.present && now - since > FIRST_PATIENCE);
  }

  /** How many bytes more may go out to a socket, seen now; below 0 where too much waits already. */
  #room(socket: MeteredSocket, now: number): number {
    socket.settle(now);
    return this.#roomBehind(socket.flow, socket.observe() ?? 0, now);
  }

  #roomBehind(flow: ClientFlow, queued: number, now: number): number {
    // On a runtime that can't tell, nobody was ever seen to take something.
    const bound = flow.present || !flow.observed ? flow.bound(now) : ABSENT_BOUND;
    return bound - Math.max(queued, flow.unanswered);
  }
}

/** Bytes that sockets hold which are closing; those that hold none any more are forgotten. */
function heldBy(closing: Set<MeteredSocket>): number {
  let total = 0;
  for (const socket of closing) {
    const held = socket.ws.readyState === WebSocket.CLOSED ? 0 : (socket.observe() ?? 0);
    if (held === 0) closing.delete(socket);
    total += held;
  }
  return total;
}
