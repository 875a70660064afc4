/** A feed of its own for a test, its pusher, and clients that check what they get. */

import { env } from "cloudflare:test";
import type { DataItem } from "../../protocol/frames.ts";
import type { FeedFrame, LoggedEvent } from "../../protocol/ingest.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import type { SymbolFeed } from "../symbol-feed/symbol-feed.ts";
import { batch, Receiver } from "./test-events.ts";
import { barrier, type Client, openClient, openPublisher, type TestSocket } from "./test-socket.ts";

let feeds = 0;

/** The stub of a feed that no other test uses, and its instrument. */
export function newFeed(): { stub: DurableObjectStub<SymbolFeed>; instrument: string } {
  feeds += 1;
  const instrument = `upbit:T${feeds}-KRW`;
  return { stub: env.SYMBOL_FEED.getByName(instrument), instrument };
}

/** A pusher that keeps what it has sent, so that it can send it again. */
export class TestPusher {
  readonly socket: TestSocket<FeedFrame>;
  readonly log: LoggedEvent[];
  readonly epoch: string;
  #sent = 0;

  constructor(socket: TestSocket<FeedFrame>, epoch: string, log: LoggedEvent[]) {
    this.socket = socket;
    this.epoch = epoch;
    this.log = log;
  }

  /** Connects; `log` is what was sent before. */
  static async open(stub: DurableObjectStub, epoch = "e1", log: LoggedEvent[] = []): Promise<TestPusher> {
    return new TestPusher(await openPublisher(stub, "https://feed/?publish=1"), epoch, log);
  }

  /** Sends new events, or none. @param through how far the instrument is complete then */
  push(events: readonly LoggedEvent[], due: readonly Rate[] = RATES, through?: number): void {
    this.log.push(...events);
    this.socket.send(batch(this.epoch, this.#sent, events, [...due], through));
    this.#sent = events.at(-1)?.seq ?? this.#sent;
  }

  /** Sends everything after `from` again. */
  sendAfter(from: number, due: readonly Rate[] = RATES): void {
    const events = this.log.filter(({ seq }) => seq > from);
    this.socket.send(batch(this.epoch, from, events, [...due]));
    this.#sent = events.at(-1)?.seq ?? from;
  }

  /** Waits for the feed to ask, and obeys. */
  async answerResend(): Promise<number> {
    const { from } = await this.socket.next("resend");
    this.sendAfter(from);
    return from;
  }

  /** Waits until everything up to `seq` is stored. */
  async stored(seq: number): Promise<void> {
    for (;;) {
      const ack = await this.socket.next("ack");
      if (ack.epoch === this.epoch && ack.seq >= seq) return;
    }
  }
}

/** A client of one stream, whose items must form an unbroken chain. */
export class TestListener {
  readonly client: Client;
  readonly receiver: Receiver;

  constructor(client: Client, receiver: Receiver) {
    this.client = client;
    this.receiver = receiver;
  }

  /** Subscribes by URL. */
  static async open(stub: DurableObjectStub, stream: string): Promise<TestListener> {
    const client = await openClient(stub, `https://feed/?stream=${encodeURIComponent(stream)}`);
    await client.next("subscribed");
    return new TestListener(client, new Receiver());
  }

  /** Resumes from a position. */
  static async resume(stub: DurableObjectStub, stream: string, epoch: string, seq: number): Promise<TestListener> {
    const client = await openClient(stub, "https://feed/");
    client.send({ op: "subscribe", streams: [{ stream, epoch, seq }] });
    await client.next("subscribed");
    return new TestListener(client, new Receiver({ epoch, seq }));
  }

  /** Takes in the next data frame. */
  async data(): Promise<DataItem[]> {
    const { data } = await this.client.next("data");
    this.receiver.takeAll(data);
    return data;
  }

  /** Takes frames until the position has come. */
  async until(seq: number, epoch = "e1"): Promise<void> {
    while (this.receiver.epoch !== epoch || this.receiver.last < seq) await this.data();
  }

  /** Nothing but what was taken has come. */
  async nothingMore(): Promise<void> {
    await barrier(this.client);
    const items = this.client.seen.flatMap((frame) => (frame.op === "data" ? frame.data : []));
    if (items.at(-1)?.seq !== this.receiver.last) throw new Error(`more came: ${JSON.stringify(items)}`);
  }
}
