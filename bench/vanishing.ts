/** Clients that are gone before their upgrade is answered: what is left of them in the runtime. */

import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Edge, startEdge, TradePublisher } from "./edge.ts";
import { upgradeRequest } from "./slow-readers.ts";
import { until } from "./until.ts";

const PATH = "/v1/stream/upbit/BTC-KRW?channel=trade&rate=raw";
/** At a time. */
const AT_ONCE = 50;

/** MB of the runtime's memory, and its open descriptors. */
interface Usage {
  readonly memory: number;
  readonly descriptors: number;
}

export interface VanishingFigures {
  readonly before: Usage;
  /** Of each round of the attack, on the same runtime: what one leaves behind the next would add to. */
  readonly rounds: readonly { readonly peak: Usage; readonly after: Usage }[];
}

interface VanishingOptions {
  readonly clients: number;
  /** The frames go on for so long after the last connection of a round was reset. */
  readonly seconds: number;
  readonly rounds?: number;
  readonly bundle?: string;
}

export async function benchVanishing(options: VanishingOptions): Promise<void> {
  const { before, rounds } = await runVanishing(options);
  const say = ({ memory, descriptors }: Usage) => `${memory} MB, ${descriptors} descriptors`;
  const { clients, seconds } = options;
  console.log(
    `${clients} connections reset before their upgrade was answered, then 1000 frames/s for ${seconds} s, and again: before ${say(before)}`,
  );
  for (const { peak, after } of rounds) console.log(`  at the peak ${say(peak)}; after ${say(after)}`);
  if (rounds.some(({ after }) => after.descriptors > before.descriptors)) process.exitCode = 1;
}

export async function runVanishing(options: VanishingOptions): Promise<VanishingFigures> {
  const edge = await startEdge(["BTC"], options.bundle);
  try {
    const publisher = await TradePublisher.open(edge, "BTC");
    await publisher.run(1000, 1);
    const before = await edge.usage();
    const rounds = [];
    for (let i = 0; i < (options.rounds ?? 1); i += 1) rounds.push(await attack(edge, publisher, options, before));
    publisher.close();
    return { before, rounds };
  } finally {
    await edge.stop();
  }
}

async function attack(
  edge: Edge,
  publisher: TradePublisher,
  { clients, seconds }: VanishingOptions,
  before: Usage,
): Promise<{ peak: Usage; after: Usage }> {
  const peak = { ...before };
  const watch = setInterval(async () => {
    const { memory, descriptors } = await edge.usage();
    peak.memory = Math.max(peak.memory, memory);
    peak.descriptors = Math.max(peak.descriptors, descriptors);
  }, 200);
  for (let done = 0; done < clients; done += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, clients - done) }, () => vanish(edge)));
  }
  await publisher.run(1000, seconds);
  await Promise.race([until(async () => (await edge.usage()).descriptors <= before.descriptors), sleep(15_000)]);
  clearInterval(watch);
  return { peak, after: await edge.usage() };
}

async function vanish({ port }: Edge): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(upgradeRequest(PATH), () => socket.resetAndDestroy());
  await once(socket, "close");
}
