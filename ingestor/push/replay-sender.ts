/**
 * Answers a partition feed's replays from the ring, a page at a time: the next one goes when the one before has left this
 * process, so a live batch waits behind one page at most, and what is held for a slow link is one page.
 */

import type WebSocket from "ws";
import type { ReplayRequest } from "../../protocol/partition-frames.ts";
import type { Position } from "../../protocol/position.ts";
import { encodeReplayed, PAGE_BYTES } from "./partition-encoder.ts";
import type { EventRing } from "./ring.ts";

interface Replay {
  readonly id: string;
  readonly epoch: string;
  /** The next page begins after this. */
  from: number;
  /** ... and the last one ends here; undefined where the events are not to be had. */
  to: number | undefined;
  readonly instruments: ReadonlySet<string> | undefined;
}

export class ReplaySender {
  readonly #ring: EventRing;
  readonly #socket: WebSocket;
  readonly #queue: Replay[] = [];
  #sending = false;

  constructor(ring: EventRing, socket: WebSocket) {
    this.#ring = ring;
    this.#socket = socket;
  }

  /** @param live the position at which the live batches go on, where what is replayed ends; null where there are none */
  answer({ id, epoch, from, instruments }: ReplayRequest, live: Position | null): void {
    const to = live?.epoch === epoch ? live.seq : undefined;
    this.#queue.push({ id, epoch, from, to, instruments: instruments === null ? undefined : new Set(instruments) });
    if (!this.#sending) this.#sendPage();
  }

  /** Another log has begun: the events that were asked for are not to be had any more. */
  abandon(): void {
    for (const replay of this.#queue) replay.to = undefined;
    this.onRead();
  }

  /** More of the log has been read: what waits for it goes on. */
  onRead(): void {
    if (!this.#sending) this.#sendPage();
  }

  /**
   * In turns: a long replay keeps no short one waiting. A pusher begins at what is committed, and so behind what a feed has from
   * the pusher before: what it has not read yet it must not call complete.
   */
  #sendPage(): void {
    const isRead = ({ to }: Replay) => to === undefined || to <= this.#ring.end;
    const at = this.#queue.findIndex(isRead);
    const [replay] = at < 0 ? [] : this.#queue.splice(at, 1);
    this.#sending = replay !== undefined && this.#socket.readyState === this.#socket.OPEN;
    if (replay === undefined || !this.#sending) return;
    const { text, more } = this.#page(replay);
    if (more) this.#queue.push(replay);
    this.#socket.send(text, () => this.#sendPage());
  }

  #page(replay: Replay): { text: string; more: boolean } {
    const { id, epoch, to, instruments } = replay;
    if (to === undefined) {
      const nothing = { id, epoch, from: replay.from, through: replay.from, more: false, complete: false };
      return { text: encodeReplayed(nothing, []), more: false };
    }
    const floor = this.#ring.floor ?? 0;
    const complete = replay.from >= floor;
    const from = Math.max(replay.from, floor);
    const { events, through, next } = this.#ring.page(from, { to, bytes: PAGE_BYTES, instruments });
    replay.from = through;
    const more = next !== undefined;
    return { text: encodeReplayed({ id, epoch, from, through, more, complete }, events), more };
  }
}
