/** A relay's socket at a partition's feed: frames are waited for, never slept for. */

import { type DataItem, dataItem } from "../../../protocol/frames.ts";
import { decodeRelayFrame, type RelayHead, type RelayRequest } from "../../../protocol/relay-frames.ts";
import { FrameInbox } from "../../testing/frame-inbox.ts";
import { upgrade } from "../../testing/test-socket.ts";

export interface RelayFrame<O extends RelayHead["op"] = RelayHead["op"]> {
  readonly head: Extract<RelayHead, { op: O }>;
  readonly items: readonly DataItem[];
  /** Characters. */
  readonly size: number;
}

export class TestRelay {
  readonly ws: WebSocket;
  /** The code that it was closed with. */
  readonly closed: Promise<number>;
  readonly #inbox = new FrameInbox<RelayFrame>();
  #requests = 0;

  constructor(ws: WebSocket) {
    this.ws = ws;
    this.closed = new Promise((resolve) => ws.addEventListener("close", ({ code }) => resolve(code)));
    ws.addEventListener("message", ({ data }) => this.#take(String(data)));
    ws.accept();
  }

  static async open(feed: DurableObjectStub, name = "apac-0"): Promise<TestRelay> {
    return new TestRelay(await upgrade(feed, `https://partition/?relay=${name}`));
  }

  /** @returns the request's id */
  want(add: string[], drop: string[] = []): number {
    this.#requests += 1;
    this.say({ op: "want", id: this.#requests, add, drop });
    return this.#requests;
  }

  /** @returns the request's id */
  replay(from: number, streams: string[], epoch = "e1"): number {
    this.#requests += 1;
    this.say({ op: "replay", id: this.#requests, epoch, from, streams });
    return this.#requests;
  }

  say(request: RelayRequest): void {
    this.ws.send(JSON.stringify(request));
  }

  /** The first frame of this kind that was not asked for yet; others stay unread. */
  next<O extends RelayHead["op"]>(op: O): Promise<RelayFrame<O>> {
    return this.#inbox.next((frame) => isOf(frame, op), op);
  }

  get seen(): readonly RelayFrame[] {
    return this.#inbox.seen;
  }

  /** Kinds of the frames so far, in order. */
  get ops(): string[] {
    return this.seen.map(({ head }) => head.op);
  }

  #take(text: string): void {
    const { head, lines } = decodeRelayFrame(text);
    const items = lines.map((line) => dataItem.parse(JSON.parse(line.text)));
    this.#inbox.put({ head, items, size: text.length });
  }
}

function isOf<O extends RelayHead["op"]>(frame: RelayFrame, op: O): frame is RelayFrame & RelayFrame<O> {
  return frame.head.op === op;
}

/** Items in short: stream, prev, seq, and the seqs of what they carry. */
export function brief(items: readonly DataItem[]): unknown[] {
  return items.map((item) => [item.stream, item.prev, item.seq, seqsOf(item)]);
}

/** The seqs of an item's trades, or of its gap; none of a snapshot, which is there for its position. */
export function seqsOf(item: DataItem): number[] {
  if (item.snapshot) return [];
  return item.gap === undefined ? (item.trades ?? []).map(({ seq }) => seq) : [item.seq];
}
