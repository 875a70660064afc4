/** What it costs a feed to take in one event, by how many clients listen to it: processor time of the real runtime. */

import { EdgeClient } from "../ingestor/push/edge-client.ts";
import type { Stack } from "../local/stack.ts";
import { bareParse } from "./bare.ts";
import { Listeners } from "./listeners.ts";
import { processesOf, processorTime } from "./processor.ts";
import { Publisher } from "./publisher.ts";
import { benchStack } from "./stack.ts";
import { benchMarkets } from "./trade.ts";

const COUNTS = [0, 1000, 5000];
/** As the pusher's largest ones are: what a batch costs as such must not count. */
const BATCH = 500;
/** Smaller where every client is sent all of it. */
const SENT_BATCH = 20;
/** How long the runtime is to be busy with what is measured, ms, and how many events that takes at least and at most. */
const BUSY = 1500;
const MIN_EVENTS = 2000;
const MAX_EVENTS = 100_000;

interface Measured {
  /** Microseconds. */
  readonly perEvent: number;
  readonly framesPerEvent: number;
}

export async function benchAccept(): Promise<void> {
  const stack = await benchStack({ ingestor: false, simulator: false, kafka: false, redis: false });
  try {
    const edge = new EdgeClient({ url: stack.url, token: stack.ingestToken, source: "simulated" });
    await edge.putMarkets("upbit", benchMarkets(2 * COUNTS.length));
    const bench = new Accepting(stack, edge);
    await bench.start();
    const apart: Measured[] = [];
    for (const count of COUNTS) apart.push(await bench.measure("ticker", count, BATCH));
    const bare = bench.bare;
    console.log("listeners   µs an event   a bare JSON.parse of it is 1");
    for (const [i, { perEvent }] of apart.entries()) row(COUNTS[i], perEvent, bare);
    console.log(`ratio ${COUNTS.at(-1)}/0: ${((apart.at(-1)?.perEvent ?? 0) / (apart[0]?.perEvent ?? 0)).toFixed(2)}`);
    console.log("… and where all of them are sent it");
    for (const count of COUNTS.filter((one) => one > 0)) {
      const { perEvent, framesPerEvent } = await bench.measure("trade", count, SENT_BATCH);
      row(count, perEvent, bare, `${(perEvent / framesPerEvent).toFixed(1)} µs a frame`);
    }
  } finally {
    await stack.stop();
  }
}

function row(count: number | undefined, perEvent: number, bare: number, more = ""): void {
  const cells = [
    String(count).padStart(9),
    perEvent.toFixed(1).padStart(13),
    (perEvent / bare).toFixed(1).padStart(17),
  ];
  console.log(`${cells.join(" ")}   ${more}`.trimEnd());
}

class Accepting {
  readonly #stack: Stack;
  readonly #edge: EdgeClient;
  #runtime = 0;
  #used = 0;
  /** µs that the same text takes to be parsed, and nothing else, for each event in it. */
  bare = 0;

  constructor(stack: Stack, edge: EdgeClient) {
    this.#stack = stack;
    this.#edge = edge;
  }

  async start(): Promise<void> {
    const [runtime] = await processesOf(this.#stack.worker.pid, "workerd");
    if (runtime === undefined) throw new Error("there is no process of the runtime");
    this.#runtime = runtime;
  }

  /** Trades, at a feed of their own with so many listeners of one of its channels. */
  async measure(channel: "ticker" | "trade", count: number, size: number): Promise<Measured> {
    const base = `B${this.#used}`;
    this.#used += 1;
    const publisher = await Publisher.open(this.#edge, base);
    const listeners = await Listeners.open(this.#stack.url, `upbit:${base}-KRW@${channel}@raw`, count);
    if (this.bare === 0) this.bare = bareParse(publisher.batch(size), size);
    const warming = await this.#run(publisher, listeners, MIN_EVENTS / size, size);
    const wanted = Math.min(MAX_EVENTS, Math.max(MIN_EVENTS, (BUSY * 1000) / warming.perEvent));
    const measured = await this.#run(publisher, listeners, Math.ceil(wanted / size), size);
    publisher.close();
    await listeners.close();
    return measured;
  }

  async #run(publisher: Publisher, listeners: Listeners, batches: number, size: number): Promise<Measured> {
    const frames = listeners.frames;
    const before = await processorTime(this.#runtime);
    await publisher.publish(batches, size);
    const took = (await processorTime(this.#runtime)) - before;
    const events = batches * size;
    return { perEvent: (took * 1000) / events, framesPerEvent: (listeners.frames - frames) / events };
  }
}
