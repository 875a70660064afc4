/**
 * A client's socket with an account of what was sent through it. Asking the socket how much it still holds costs as much as
 * sending a frame: so it is asked once for many frames, and in between the account tells that no more can wait than may.
 */

import type { EdgeCounters } from "../edge-counters.ts";
import type { WireFormat } from "../sockets.ts";
import { ClientFlow } from "./client-flow.ts";

export class MeteredSocket {
  readonly ws: WebSocket;
  readonly format: WireFormat;
  readonly flow: ClientFlow;
  /** When it was opened, or the object woke; ms. */
  readonly since: number;
  readonly #counters: Pick<EdgeCounters, "frames" | "bytes">;
  #granted = 0;
  #left = 0;

  /**
   * @param counters of the object
   * @param format in which the client takes frames. Whoever reads server-sent events can answer no probe
   */
  constructor(
    ws: WebSocket,
    since: number,
    counters: Pick<EdgeCounters, "frames" | "bytes">,
    format: WireFormat = "json",
  ) {
    this.ws = ws;
    this.since = since;
    this.#counters = counters;
    this.format = format;
    this.flow = new ClientFlow({ probes: format === "json" });
  }

  /** Sends within what was granted. @returns undefined for the frame that would use it up: the socket must be looked at first */
  sendWithin(text: string): boolean | undefined {
    const left = this.#left - text.length;
    if (left <= 0) return undefined;
    this.#left = left;
    return this.send(text);
  }

  /** Sends, and says whether the socket was still there. Asking it before each frame would cost as much as sending. */
  send(text: string): boolean {
    try {
      this.ws.send(text);
      this.#counters.frames += 1;
      this.#counters.bytes += text.length;
      return true;
    } catch (error) {
      if (this.ws.readyState === WebSocket.OPEN) throw error;
      return false;
    }
  }

  /** So many bytes may go out before it is looked at again. Only after {@link settle}. */
  grant(bytes: number): void {
    this.#granted = bytes;
    this.#left = bytes;
  }

  /** Enters into the account what went out since the last look. @param now ms */
  settle(now: number): void {
    const used = this.#granted - this.#left;
    if (used > 0) this.flow.sent(used, now);
    this.grant(0);
  }

  /** Whether something may wait for the other end, as far as is known without a look. */
  get mayHold(): boolean {
    return this.#left !== this.#granted || this.flow.mayWait > 0 || !this.flow.observed;
  }

  /** Bytes that the runtime holds for the other end, seen now; undefined on a runtime that can't tell. Only after {@link settle}. */
  observe(): number | undefined {
    const queued = typeof this.ws.bufferedAmount === "number" ? this.ws.bufferedAmount : undefined;
    if (queued !== undefined) this.flow.observe(queued);
    return queued;
  }
}
