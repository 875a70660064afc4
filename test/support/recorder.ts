/** A client that writes down everything it is given, and waits for what a test wants to see. */

import { TickcastClient } from "../../client/client.ts";
import type { Subscribed } from "../../client/handlers.ts";
import { dialNode } from "../../client/node-socket.ts";
import type { DataItem } from "../../protocol/frames.ts";
import type { Position } from "../../protocol/position.ts";
import { until } from "./until.ts";

export class Recorder {
  readonly items: DataItem[] = [];
  readonly subscribed: Subscribed[] = [];
  readonly closes: number[] = [];
  readonly statuses: { state: string; asOf: number | null }[] = [];
  readonly stream: string;
  #cut: number | undefined;
  readonly #client: TickcastClient;

  /** @param stream canonical */
  constructor(url: string, stream: string, from?: Position) {
    this.stream = stream;
    this.#client = new TickcastClient({
      url,
      // Tests resume from further back than a connection of many streams reaches.
      sockets: "per-instrument",
      dial: dialNode,
      maxPause: 1000,
      onClose: ({ code }) => this.closes.push(code),
      onStatus: (status) => this.statuses.push(status),
    });
    this.#client.subscribe(
      stream,
      { onItem: (item) => this.items.push(item), onSubscribed: (one) => this.subscribed.push(one) },
      from,
    );
  }

  /** To be called before the log is read that this recording is compared with: what comes later, that reading can't know. */
  cut(): void {
    this.#cut = this.items.length;
  }

  /** What came before the cut; everything, where there was none. */
  get untilCut(): readonly DataItem[] {
    return this.items.slice(0, this.#cut);
  }

  /** Every trade that came as one, snapshots (which count no event) left out. */
  get trades() {
    return this.items.filter(({ snapshot }) => !snapshot).flatMap(({ trades }) => trades ?? []);
  }

  get gaps() {
    return this.items.flatMap(({ gap }) => gap ?? []);
  }

  get last(): DataItem | undefined {
    return this.items.at(-1);
  }

  /** Resolves when the stream has been subscribed `times` times. */
  async ready(times = 1): Promise<void> {
    await until(() => this.subscribed.length >= times, `${this.stream} subscribed`);
  }

  close(): void {
    this.#client.close();
  }
}
