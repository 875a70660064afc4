/**
 * Sends to clients, and notices those that do not take what they are sent: by `bufferedAmount`, what the runtime still holds for
 * a client, and by probes for clients that answer them, since behind a proxy the runtime sees the proxy only.
 */

import type { ServerFrame } from "../protocol/frames.ts";
import { ABSENT_BOUND, ClientFlow } from "./client-flow.ts";

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

export class Backpressure {
  /** In memory only: after sleeping, nothing waits for anyone. */
  readonly #flows = new WeakMap<WebSocket, { readonly flow: ClientFlow; readonly since: number }>();
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
  send(ws: WebSocket, text: string, now: number): Sent {
    if (ws.readyState !== WebSocket.OPEN) return "gone";
    const flow = this.#flow(ws, now);
    if (!this.#isSurelyWithin(flow, text.length, now) && !this.#isWithin(ws, flow, text.length, now)) return "slow";
    flow.sent(text.length, now);
    ws.send(text);
    const id = flow.nextProbe();
    if (id !== undefined) ws.send(JSON.stringify({ op: "probe", id } satisfies ServerFrame));
    return "sent";
  }

  /** Sends what a client asked for all at once. One that has not taken the last burst gets no other. @param now ms */
  sendAtOnce(ws: WebSocket, texts: readonly string[], now: number): Sent {
    if (ws.readyState !== WebSocket.OPEN) return "gone";
    const flow = this.#flow(ws, now);
    const bytes = texts.reduce((sum, { length }) => sum + length, 0);
    const within = this.#isWithin(ws, flow, bytes, now);
    if (bytes <= BURST) {
      if (!within) return "slow";
      flow.sent(bytes, now);
    } else {
      if (!flow.burstTaken) return "slow";
      flow.sentAtOnce(bytes);
    }
    for (const text of texts) ws.send(text);
    return "sent";
  }

  /** Whether no more waits for a client, which has just sent something, than may. @param now ms */
  keepsUp(ws: WebSocket, now: number): boolean {
    const flow = this.#flow(ws, now);
    flow.heard();
    return this.#isWithin(ws, flow, 0, now);
  }

  /** A client has answered a probe. @param now ms */
  answered(ws: WebSocket, id: number, now: number): void {
    this.#flow(ws, now).answered(id);
  }

  /** Whether the client was ever there, as far as can be told. @param now ms */
  wasPresent(ws: WebSocket, now: number): boolean {
    const queued = queuedFor(ws);
    if (queued === undefined) return true;
    const flow = this.#flow(ws, now);
    flow.observe(queued);
    return flow.present;
  }

  /**
   * Looks at all sockets of the object, at most once a second.
   *
   * @param sockets those that are closing too: what they have not taken is held all the same
   * @param now ms
   * @returns open ones that must be closed
   */
  sweep(sockets: () => readonly WebSocket[], now: number): WebSocket[] {
    if (now - this.#lastSweep < SWEEP_PERIOD) return [];
    this.#lastSweep = now;
    const waiting = sockets()
      .map((ws) => ({ ws, queued: queuedFor(ws) ?? 0 }))
      .filter(({ queued }) => queued > 0);
    this.#crowded = waiting.reduce((sum, { queued }) => sum + queued, 0) > this.#objectBound;
    const open = waiting.filter(({ ws }) => ws.readyState === WebSocket.OPEN);
    const slow = open.filter(({ ws }) => this.#mustGo(ws, now));
    const others = open.filter((one) => !slow.includes(one));
    return [...slow, ...(this.#crowded ? this.#worst(others) : [])].map(({ ws }) => ws);
  }

  /** Those for whom most waits, until half of what may wait in all is left: who keeps up is not among them. */
  #worst<T extends { readonly queued: number }>(waiting: readonly T[]): T[] {
    let rest = waiting.reduce((sum, { queued }) => sum + queued, 0);
    return waiting
      .toSorted((a, b) => b.queued - a.queued)
      .filter(({ queued }) => {
        if (rest <= this.#objectBound / 2) return false;
        rest -= queued;
        return true;
      });
  }

  #mustGo(ws: WebSocket, now: number): boolean {
    const { flow, since } = this.#entry(ws, now);
    return !this.#isWithin(ws, flow, 0, now) || (!flow.present && now - since > FIRST_PATIENCE);
  }

  /** Whether a client may have so many bytes more even if it has taken nothing since the last look, which costs a call. */
  #isSurelyWithin(flow: ClientFlow, bytes: number, now: number): boolean {
    return flow.observed && Math.max(flow.mayWait + bytes, flow.unanswered) <= this.#bound(flow, now);
  }

  /** Whether a client may have so many bytes more. */
  #isWithin(ws: WebSocket, flow: ClientFlow, bytes: number, now: number): boolean {
    const queued = queuedFor(ws);
    if (queued !== undefined) flow.observe(queued);
    return Math.max((queued ?? 0) + bytes, flow.unanswered) <= this.#bound(flow, now);
  }

  #bound(flow: ClientFlow, now: number): number {
    // On a runtime that can't tell, nobody was ever seen to take something.
    return flow.present || !flow.observed ? flow.bound(now) : ABSENT_BOUND;
  }

  #flow(ws: WebSocket, now: number): ClientFlow {
    return this.#entry(ws, now).flow;
  }

  #entry(ws: WebSocket, now: number) {
    const known = this.#flows.get(ws);
    if (known !== undefined) return known;
    const entry = { flow: new ClientFlow(), since: now };
    this.#flows.set(ws, entry);
    return entry;
  }
}

/** Bytes that the runtime holds for the other end; undefined on a runtime that can't tell. */
function queuedFor(ws: WebSocket): number | undefined {
  return typeof ws.bufferedAmount === "number" ? ws.bufferedAmount : undefined;
}
