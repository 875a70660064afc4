/**
 * The pusher's socket at a partition's feed. It outlives the object's memory: a feed that has slept says again what it has, that
 * is nothing, but only when something is asked of it. What wakes it for another reason costs no list.
 */

import { encodeIngest } from "../../protocol/ingest-version.ts";
import type { PartitionReply, ReplayRequest } from "../../protocol/partition-frames.ts";
import type { Position } from "../../protocol/position.ts";
import type { Rate } from "../../protocol/stream.ts";
import { type EdgeCounters, NOTHING_TOLD } from "../edge-counters.ts";
import { answerClose, sendOrDrop } from "../sockets.ts";

const TAG = "publisher";
/** What the socket carries through hibernation; one that was replaced carries null. */
const CURRENT = "current";
/** What a read is answered with serves those that come within this, ms; nor is an unanswered one repeated sooner. */
export const READ_PERIOD = 1000;
/** The same is not requested again within this, ms: every batch that was on its way shows the same hole. */
const REQUEST_PAUSE = 2000;
const ANEW = "anew";

export class PublisherLink {
  readonly #ctx: DurableObjectState;
  readonly #counters: Pick<EdgeCounters, "take" | "goOnFrom">;
  #socket: WebSocket | undefined;
  /** Whether the pusher knows what this life of the object has. */
  #introduced = false;
  /** What relays want, and what the pusher was told of it. */
  #rates: readonly Rate[] = [];
  #lastRead = 0;
  #lastRequest = { text: "", at: 0 };

  /** @param counters what the feed has counted is told with whatever is said here */
  constructor(ctx: DurableObjectState, counters: Pick<EdgeCounters, "take" | "goOnFrom">) {
    this.#ctx = ctx;
    this.#counters = counters;
    const isCurrent = (ws: WebSocket) => ws.readyState === WebSocket.OPEN && ws.deserializeAttachment() === CURRENT;
    this.#socket = ctx.getWebSockets(TAG).find(isCurrent);
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  is(ws: WebSocket): boolean {
    return ws === this.#socket;
  }

  /** The newcomer takes the place of the one before, which is told so. @param position what the feed has */
  accept(ws: WebSocket, position: Position | null): void {
    const before = this.#socket;
    this.#ctx.acceptWebSocket(ws, [TAG]);
    ws.serializeAttachment(CURRENT);
    this.#socket = ws;
    this.#counters.goOnFrom(NOTHING_TOLD);
    this.#lastRead = 0;
    this.#lastRequest = { text: "", at: 0 };
    this.#introduce(position);
    if (before === undefined) return;
    before.serializeAttachment(null);
    sendOrDrop(before, encodeIngest({ op: "replaced" } satisfies PartitionReply));
    answerClose(before, 4000);
  }

  /** @returns whether it was the publisher that has left */
  leave(ws: WebSocket): boolean {
    if (!this.is(ws)) return false;
    this.#socket = undefined;
    return true;
  }

  /**
   * These rates are wanted from now on. A pusher that was told of none before answers with the newest tickers, and then goes on
   * with batches. `now` in ms.
   *
   * @returns whether it does
   */
  cadence(rates: readonly Rate[], position: Position | null, now: number): boolean {
    const before = this.#rates;
    if (before.join() === rates.join()) return false;
    this.#rates = rates;
    if (this.#introduced) this.#send({ op: "cadence", rates: [...rates] });
    else {
      // Batches that are on their way already are not to have it begin once more.
      this.#lastRequest = { text: ANEW, at: now };
      this.#introduce(position);
    }
    return before.length === 0 && this.connected;
  }

  /** Asks for events of the pusher's ring. */
  replay(request: Omit<ReplayRequest, "op">): void {
    this.#send({ op: "replay", ...request });
  }

  /** A list is read: the pusher is asked for what waits, once a second at most. `now` in ms. */
  read(position: Position | null, now: number): void {
    if (now - this.#lastRead < READ_PERIOD) return;
    this.#lastRead = now;
    if (!this.#introduced) this.#introduce(position);
    this.#send({ op: "read" });
  }

  /** Something is missing after `from`. `now` in ms. */
  resend(epoch: string, from: number, now: number): void {
    if (this.#isNew(`${epoch}/${from}`, now)) this.#send({ op: "resend", epoch, from });
  }

  /** Nothing is held of the log that the batches are of. `now` in ms. */
  beginAnew(position: Position | null, now: number): void {
    if (this.#isNew(ANEW, now)) this.#introduce(position);
  }

  /** The pusher asks what was counted. */
  tellCounts(): void {
    const counts = this.#counters.take();
    if (counts !== undefined) this.#say({ op: "counts", counts });
  }

  #introduce(position: Position | null): void {
    this.#introduced = true;
    const rates = [...this.#rates];
    this.#send({ op: "ready", epoch: position?.epoch ?? null, through: position?.seq ?? 0, rates });
  }

  #isNew(text: string, now: number): boolean {
    if (text === this.#lastRequest.text && now - this.#lastRequest.at < REQUEST_PAUSE) return false;
    this.#lastRequest = { text, at: now };
    return true;
  }

  #send(frame: Exclude<PartitionReply, { op: "counts" | "replaced" }>): void {
    if (this.#socket === undefined) return;
    const counts = this.#counters.take();
    this.#say(counts === undefined ? frame : { ...frame, counts });
  }

  #say(frame: PartitionReply): void {
    if (this.#socket !== undefined) sendOrDrop(this.#socket, encodeIngest(frame));
  }
}
