/**
 * Connections of many streams: trades that reach their receivers for each second of the runtime's processor time, against an
 * object that forwards each trade by itself. The clients are a process of their own, and what counts is counted there.
 */

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";
import { EdgeClient } from "../ingestor/push/edge-client.ts";
import { mulberry32 } from "../simulator/random.ts";
import { startBaseline } from "./fanout-baseline.ts";
import { type ClientsCount, type ClientsOrder, clientsCount } from "./fanout-clients.ts";
import { PartitionPublisher } from "./partition-publisher.ts";
import { childrenOf, processesOf, processorTime } from "./processor.ts";
import { benchStack } from "./stack.ts";
import { benchMarkets, benchTrade } from "./trade.ts";

/** Streams that there are, and of how many of them each client has. */
const STREAMS = 200;
const OWN = 100;
/** So much of a batch counts as there: the rest is on its way while the next one is made. */
const ENOUGH = 0.98;

interface Options {
  readonly connections: number;
  readonly trades: number;
  readonly batches: number;
}

interface Measured {
  readonly perSecond: number;
  readonly perProcessorSecond: number;
  readonly perFrame: number;
}

export async function benchFanout(options: Options): Promise<void> {
  const instruments = benchMarkets(STREAMS).map(({ instrument }) => instrument);
  const random = mulberry32(1);
  const choices = Array.from({ length: options.connections }, () =>
    instruments
      .map((name) => [random(), name] as const)
      .sort(([a], [b]) => a - b)
      .slice(0, OWN)
      .map(([, name]) => name),
  );
  const order = instruments.map((_, i) => instruments[(i * 7) % STREAMS] ?? "");
  const batches = Array.from({ length: options.batches }, (_, n) =>
    Array.from({ length: options.trades }, (_, i) => order[(n * options.trades + i) % STREAMS] ?? ""),
  );
  const receivers = new Map(instruments.map((name) => [name, choices.filter((own) => own.includes(name)).length]));
  const owed = (batch: readonly string[]) => batch.reduce((sum, name) => sum + (receivers.get(name) ?? 0), 0);
  const plan = batches.map((batch) => ({ batch, owed: owed(batch) }));
  const ours = await measureOurs(choices, plan);
  const bare = await measureBare(choices, plan);
  const { connections, trades } = options;
  console.log(
    `${connections} connections × ${OWN} of ${STREAMS} trade streams, ${trades} trades a batch, as fast as they are received`,
  );
  console.log("              trades/s   trades per CPU-second   trades a frame");
  for (const [name, one] of [
    ["Tickcast", ours],
    ["each by itself", bare],
  ] as const) {
    const cells = [one.perSecond, one.perProcessorSecond].map((value) => Math.round(value).toLocaleString("en"));
    console.log(
      `${name.padEnd(14)} ${cells[0]?.padStart(9)} ${cells[1]?.padStart(20)} ${one.perFrame.toFixed(1).padStart(16)}`,
    );
  }
  console.log(`ratio per CPU-second: ${(ours.perProcessorSecond / bare.perProcessorSecond).toFixed(1)}`);
}

type Plan = readonly { readonly batch: readonly string[]; readonly owed: number }[];

async function measureOurs(choices: readonly (readonly string[])[], plan: Plan): Promise<Measured> {
  const stack = await benchStack({ ingestor: false, simulator: false, kafka: false, redis: false });
  try {
    const edge = new EdgeClient({ url: stack.url, token: stack.ingestToken, source: "simulated" });
    await edge.putMarkets("upbit", benchMarkets(STREAMS));
    const status = { state: "live", source: "simulated", since: Date.now(), asOf: Date.now() } as const;
    await edge.putReport("upbit", { status, kafka: "absent", lastEventTime: null, term: 0, hints: [], partitions: 1 });
    const publisher = await PartitionPublisher.open(stack.url, stack.ingestToken, "upbit", 0);
    const url = `${stack.url.replace(/^http/, "ws")}/v1/stream`;
    const clients = await Clients.open(
      choices.map((own) => ({
        url,
        subscribe: JSON.stringify({ op: "subscribe", streams: own.map((name) => `${name}@trade@100ms`) }),
      })),
    );
    const [runtime = 0] = await processesOf(stack.worker.pid, "workerd");
    const measured = await measure(clients, runtime, plan, (batch) => publisher.publish(batch));
    clients.close();
    publisher.close();
    return measured;
  } finally {
    await stack.stop();
  }
}

async function measureBare(choices: readonly (readonly string[])[], plan: Plan): Promise<Measured> {
  const baseline = await startBaseline();
  try {
    const publisher = new WebSocket(baseline.url, { perMessageDeflate: false });
    await new Promise((resolve, reject) => publisher.once("open", resolve).once("error", reject));
    const clients = await Clients.open(
      choices.map((own) => ({ url: `${baseline.url}/?streams=${own.join()}`, subscribe: null })),
    );
    const [runtime = 0] = await childrenOf(process.pid, "workerd");
    let n = 0;
    // A twentieth of it takes as long as all of ours.
    const measured = await measure(clients, runtime, plan.slice(0, Math.ceil(plan.length / 20)), (batch) => {
      const trades = batch.map((name) => {
        n += 1;
        const { instrument: _, ...trade } = benchTrade(name, n, Date.now());
        return [name, JSON.stringify({ op: "data", data: [{ stream: `${name}@trade`, trades: [trade] }] })];
      });
      publisher.send(JSON.stringify(trades));
    });
    clients.close();
    publisher.close();
    return measured;
  } finally {
    await baseline.stop();
  }
}

/** Sends a batch whenever the one before has been received. */
async function measure(
  clients: Clients,
  runtime: number,
  plan: Plan,
  publish: (batch: readonly string[]) => void,
): Promise<Measured> {
  const warm = Math.ceil(plan.length / 10);
  let owed = 0;
  let begun = { at: performance.now(), used: 0, ...clients.counted };
  for (const [i, one] of plan.entries()) {
    if (i === warm) begun = { at: performance.now(), used: await processorTime(runtime), ...clients.counted };
    publish(one.batch);
    owed += one.owed;
    const enough = owed - (1 - ENOUGH) * one.owed;
    await clients.until(({ trades }) => trades >= enough);
  }
  const { trades, frames } = clients.counted;
  const [delivered, sent] = [trades - begun.trades, frames - begun.frames] as const;
  const used = (await processorTime(runtime)) - begun.used;
  const took = performance.now() - begun.at;
  return {
    perSecond: (delivered / took) * 1000,
    perProcessorSecond: (delivered / used) * 1000,
    perFrame: delivered / sent,
  };
}

/** The clients' process. */
class Clients {
  readonly #process: ChildProcess;
  counted: ClientsCount = { ready: 0, trades: 0, frames: 0 };

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on("message", (message) => {
      this.counted = clientsCount.parse(message);
    });
  }

  /** Resolves when all are subscribed. */
  static async open(order: ClientsOrder): Promise<Clients> {
    const clients = new Clients(
      fork(fileURLToPath(new URL("fanout-clients.ts", import.meta.url)), {
        execArgv: ["--disable-warning=ExperimentalWarning"],
      }),
    );
    clients.#process.send(order);
    await clients.until(({ ready }) => ready === order.length);
    return clients;
  }

  /** Resolves as soon as they have counted so far. @throws where their process ends before */
  async until(condition: (counted: ClientsCount) => boolean): Promise<void> {
    while (!condition(this.counted)) {
      if (!this.#process.connected) throw new Error("the clients' process has ended");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  close(): void {
    this.#process.disconnect();
  }
}
