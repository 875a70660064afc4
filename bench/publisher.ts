/** A publisher of trades at an instrument's feed, in the pusher's place: it sends as fast as it can. */

import type WebSocket from "ws";
import type { EdgeClient } from "../ingestor/push/edge-client.ts";
import { feedFrame, type TicksFrame } from "../protocol/ingest.ts";
import { encodeIngest } from "../protocol/ingest-version.ts";
import { type Instrument, instrument } from "../protocol/instrument.ts";
import { benchTrade } from "./trade.ts";

const EPOCH = "bench-0";

export class Publisher {
  readonly #socket: WebSocket;
  readonly #instrument: Instrument;
  /** A changed status goes to every client. */
  readonly #since = Date.now();
  #seq = 1;
  #acked = 0;
  #failure: Error | undefined;

  private constructor(socket: WebSocket, of: Instrument) {
    this.#socket = socket;
    this.#instrument = of;
    socket.on("message", (data) => {
      const frame = feedFrame.parse(JSON.parse(String(data)));
      if (frame.op === "ack") this.#acked = frame.seq;
      if (frame.op === "resend" || frame.op === "replaced") this.#failure = new Error(`the feed says ${frame.op}`);
    });
    socket.on("close", (code) => {
      this.#failure ??= new Error(`the feed has sent the publisher away: ${code}`);
    });
  }

  static async open(edge: EdgeClient, base: string): Promise<Publisher> {
    const one = instrument("upbit", base, "KRW");
    const socket = edge.publish("upbit", `${one.base}-${one.quote}`);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return new Publisher(socket, one);
  }

  /** Sends so many batches of so many trades, and waits until the feed has stored them all. */
  async publish(batches: number, size: number): Promise<void> {
    for (let i = 0; i < batches; i += 1) this.#send(size);
    while (this.#acked < this.#seq) {
      if (this.#failure !== undefined) throw this.#failure;
      // A feed with listeners stores every 2 s, and only when a batch comes: an empty one says that time has passed.
      await new Promise((resolve) => setTimeout(resolve, 50));
      this.#send(0);
    }
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** A batch as it is sent, to measure what parsing alone costs. */
  batch(size: number): string {
    const now = Date.now();
    const prev = this.#seq;
    const events = Array.from({ length: size }, (_, i) => ({
      seq: prev + 1 + i,
      logged: now,
      event: benchTrade(this.#instrument.name, prev + i, now),
    }));
    this.#seq += size;
    const status = { state: "live", source: "simulated", since: this.#since, asOf: now } as const;
    const frame: TicksFrame = {
      op: "ticks",
      epoch: EPOCH,
      prev,
      seq: this.#seq,
      through: this.#seq,
      opens: 1,
      events,
      asOf: now,
      status,
      due: [],
    };
    return encodeIngest(frame);
  }

  #send(size: number): void {
    this.#socket.send(this.batch(size));
  }
}
