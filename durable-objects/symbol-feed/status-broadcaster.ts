/** Tells a feed's clients how the exchange behind it is doing: when that changes, and every now and then. */

import type { FeedStatus, ServerFrame } from "../../protocol/frames.ts";
import { parseInstrument } from "../../protocol/instrument.ts";
import type { ClientSockets } from "./client-sockets.ts";
import type { FeedCore } from "./feed-core.ts";

/** Clients hear of it at least this often, ms; while someone listens the pusher's batches come often enough for it. */
const PERIOD = 8000;

export class StatusBroadcaster {
  readonly #core: FeedCore;
  readonly #clients: ClientSockets;
  readonly #exchange: string;
  #last = 0;
  #said = "";

  constructor(core: FeedCore, clients: ClientSockets) {
    this.#core = core;
    this.#clients = clients;
    this.#exchange = parseInstrument(core.instrument).exchange;
  }

  /** Tells everyone if it is time to; the same moment is used to see who has gone silent. `now` in ms. */
  tellIfDue(now: number): void {
    const { status } = this.#core;
    if (status === null) return;
    const { asOf: _asOf, ...lasting } = status;
    const text = JSON.stringify(lasting);
    if (text === this.#said && now - this.#last < PERIOD) return;
    this.#said = text;
    this.#last = now;
    this.#clients.pool.dropSilent(now);
    this.#clients.broadcast(this.#frame(status));
  }

  /** Tells a newcomer. */
  tell(ws: WebSocket): void {
    const { status } = this.#core;
    if (status !== null) this.#clients.pool.answer(ws, this.#frame(status));
  }

  /** Nobody brings ticks any more. */
  publisherGone(now: number): void {
    const { status } = this.#core;
    if (status === null || status.state === "down") return;
    this.#core.setStatus({ ...status, state: "down", since: now, detail: "the ingestor has left this feed" });
  }

  #frame(status: FeedStatus): ServerFrame {
    return { op: "status", exchange: this.#exchange, ...status };
  }
}
