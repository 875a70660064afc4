/** A publisher of one partition in the pusher's place: every event of the partition, in batches that end a period. */

import WebSocket from "ws";
import type { LoggedEvent } from "../protocol/ingest.ts";
import { encodeIngest } from "../protocol/ingest-version.ts";
import { type PartitionFrame, partitionReply } from "../protocol/partition-frames.ts";
import { benchTrade } from "./trade.ts";

const EPOCH = "bench-0";

export class PartitionPublisher {
  readonly #socket: WebSocket;
  readonly #status = { state: "live", source: "simulated", since: Date.now() } as const;
  #through = 1;
  #sent = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const { op } = partitionReply.parse(JSON.parse(String(data)));
      if (op === "ready" || op === "cadence") this.#begin();
    });
  }

  /** @param url of the Worker, `http://…` */
  static async open(url: string, token: string, exchange: string, partition: number): Promise<PartitionPublisher> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/ingest/${exchange}/partitions/${partition}`, {
      headers: { Authorization: `Bearer ${token}`, "Tickcast-Source": "simulated" },
      perMessageDeflate: false,
    });
    const publisher = new PartitionPublisher(socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return publisher;
  }

  /** A batch of one trade of each of these. */
  publish(instruments: readonly string[]): void {
    const now = Date.now();
    const prev = this.#through;
    const events: LoggedEvent[] = instruments.map((name, i) => {
      this.#sent += 1;
      return { seq: prev + 1 + i, logged: now, event: benchTrade(name, this.#sent, now) };
    });
    this.#through += instruments.length;
    this.#batch(prev, events, now);
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** An idle feed is taken to the present position: by a list, and then a batch. */
  #begin(): void {
    const now = Date.now();
    this.#send({ op: "tickers", epoch: EPOCH, from: 0, through: this.#through, tickers: [], asOf: now, more: false });
    this.#batch(this.#through, [], now);
  }

  #batch(prev: number, events: LoggedEvent[], asOf: number): void {
    const status = { ...this.#status, asOf };
    this.#send({ op: "batch", epoch: EPOCH, prev, through: this.#through, events, asOf, status, due: ["100ms", "1s"] });
  }

  #send(frame: PartitionFrame): void {
    this.#socket.send(encodeIngest(frame));
  }
}
