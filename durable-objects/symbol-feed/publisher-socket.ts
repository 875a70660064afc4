/**
 * The pusher's socket at a feed. Its attachment holds what has been broadcast: that costs no storage write and no output
 * gate, and it lives exactly as long as client sockets can outlive the object's memory.
 */

import type { FeedFrame } from "../../protocol/ingest.ts";
import { encodeIngest } from "../../protocol/ingest-version.ts";
import type { Rate } from "../../protocol/stream.ts";
import { type EdgeCounters, type Gauges, NOTHING_TOLD } from "../edge-counters.ts";
import { answerClose, sendOrDrop } from "../sockets.ts";
import type { StreamPositions } from "../streams/stream-key.ts";

/** What was broadcast, by stream, in which epoch. */
export interface Broadcast {
  readonly epoch: string;
  readonly positions: StreamPositions;
}

/** What the socket carries through hibernation; one that was replaced carries null. */
interface PublisherAttachment {
  readonly publishing: true;
  readonly broadcast: Broadcast | null;
  /** The rates that the pusher was told last. */
  readonly told: readonly Rate[];
  /** What it was told last of the feed's clients and their streams. */
  readonly counted: Gauges;
}

const TAG = "publisher";
/** The same `resend` is not asked again within this, ms: every batch that was on its way shows the same hole. */
const RESEND_PAUSE = 2000;

export class PublisherSocket {
  readonly #ctx: DurableObjectState;
  readonly #counters: Pick<EdgeCounters, "take" | "goOnFrom">;
  #socket: WebSocket | undefined;
  /** What the socket's attachment holds: reading it back clones it each time. */
  #attached: PublisherAttachment | null = null;
  #lastAck = "";
  #lastResend = { text: "", at: 0 };

  /** @param counters what the feed has counted is told with whatever is said here */
  constructor(ctx: DurableObjectState, counters: Pick<EdgeCounters, "take" | "goOnFrom">) {
    this.#ctx = ctx;
    this.#counters = counters;
    this.#socket = ctx.getWebSockets(TAG).find((ws) => ws.readyState === WebSocket.OPEN && attachmentOf(ws) !== null);
    if (this.#socket !== undefined) this.#attached = attachmentOf(this.#socket);
    this.#counters.goOnFrom(this.#attached?.counted ?? NOTHING_TOLD);
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** The rates that the pusher keeps to, also after the object's memory went away. */
  get told(): readonly Rate[] {
    return this.#attached?.told ?? [];
  }

  /** What the socket remembers of earlier broadcasts. */
  get broadcast(): Broadcast | null {
    return this.#attached?.broadcast ?? null;
  }

  is(ws: WebSocket): boolean {
    return ws === this.#socket;
  }

  /** The newcomer takes the place of the one before, which is told so. */
  accept(ws: WebSocket, broadcast: Broadcast | null): void {
    const before = this.#socket;
    this.#ctx.acceptWebSocket(ws, [TAG]);
    this.#socket = ws;
    this.#counters.goOnFrom(NOTHING_TOLD);
    this.#lastAck = "";
    this.#lastResend = { text: "", at: 0 };
    this.#save({ publishing: true, broadcast, told: [], counted: NOTHING_TOLD });
    if (before === undefined) return;
    before.serializeAttachment(null);
    sendOrDrop(before, encodeIngest({ op: "replaced" } satisfies FeedFrame));
    answerClose(before, 4000);
  }

  /**
   * Lets go of a publisher that has left. It is told by its attachment: a socket whose closing woke the object is not
   * among the object's sockets any more.
   *
   * @returns what it had broadcast, or undefined when `ws` is no publisher or was replaced
   */
  leave(ws: WebSocket): { readonly broadcast: Broadcast | null } | undefined {
    const left = attachmentOf(ws);
    if (left === null) return undefined;
    ws.serializeAttachment(null);
    if (this.is(ws)) {
      this.#socket = undefined;
      this.#attached = null;
    }
    return left;
  }

  remember(broadcast: Broadcast | null): void {
    if (broadcast !== null) this.#change({ broadcast });
  }

  ready(epoch: string | null, seq: number, rates: readonly Rate[]): void {
    this.#change({ told: rates });
    this.#send({ op: "ready", epoch, seq, rates: [...rates] });
  }

  /** Says how far storage has got; the same ack is not said twice. */
  ack(epoch: string, seq: number, dirty: boolean): void {
    const frame = { op: "ack", epoch, seq, dirty } as const;
    const text = JSON.stringify(frame);
    if (text === this.#lastAck) return;
    this.#lastAck = text;
    this.#send(frame);
  }

  cadence(rates: readonly Rate[]): void {
    this.#change({ told: rates });
    this.#send({ op: "cadence", rates: [...rates] });
  }

  /** @param now ms */
  resend(epoch: string, from: number, now: number): void {
    const text = `${epoch}/${from}`;
    if (text === this.#lastResend.text && now - this.#lastResend.at < RESEND_PAUSE) return;
    this.#lastResend = { text, at: now };
    this.#send({ op: "resend", epoch, from });
  }

  #change(change: Partial<PublisherAttachment>): void {
    if (this.#attached !== null) this.#save({ ...this.#attached, ...change });
  }

  #save(attachment: PublisherAttachment): void {
    if (this.#socket === undefined) return;
    this.#attached = attachment;
    this.#socket.serializeAttachment(attachment);
  }

  #send(frame: Exclude<FeedFrame, { op: "replaced" }>): void {
    if (this.#socket === undefined) return;
    const counts = this.#counters.take();
    if (counts !== undefined) this.#change({ counted: { clients: counts.clients, streams: counts.streams } });
    sendOrDrop(this.#socket, encodeIngest(counts === undefined ? frame : { ...frame, counts }));
  }
}

function attachmentOf(ws: WebSocket): PublisherAttachment | null {
  const attachment = ws.deserializeAttachment() as Partial<PublisherAttachment> | null;
  return attachment?.publishing === true ? (attachment as PublisherAttachment) : null;
}
