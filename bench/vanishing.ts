/** Clients that are gone before their upgrade is answered: what is left of them in the runtime. */

import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Edge, startEdge, TradePublisher } from "./edge.ts";
import { upgradeRequest } from "./slow-readers.ts";
import { until } from "./stack.ts";

const PATH = "/v1/stream/upbit/BTC-KRW?channel=trade&rate=raw";
/** At a time. */
const AT_ONCE = 50;

export interface VanishingFigures {
  /** MB and open descriptors of the runtime. */
  readonly before: { readonly memory: number; readonly descriptors: number };
  readonly peak: { readonly memory: number; readonly descriptors: number };
  readonly after: { readonly memory: number; readonly descriptors: number };
}

export async function benchVanishing(options: { clients: number; seconds: number }): Promise<void> {
  const { before, peak, after } = await runVanishing(options);
  const say = (one: { memory: number; descriptors: number }) => `${one.memory} MB, ${one.descriptors} descriptors`;
  console.log(
    `${options.clients} connections reset before their upgrade was answered, 1000 frames/s for ${options.seconds} s: ` +
      `before ${say(before)}; at the peak ${say(peak)}; after ${say(after)}`,
  );
  if (after.descriptors > before.descriptors) process.exitCode = 1;
}

/** @param options the frames go on for so many `seconds` after the last connection was reset */
export async function runVanishing(options: { clients: number; seconds: number }): Promise<VanishingFigures> {
  const edge = await startEdge(["BTC"]);
  try {
    const publisher = await TradePublisher.open(edge, "BTC");
    await publisher.run(1000, 1);
    const before = await edge.usage();
    const peak = { ...before };
    const watch = setInterval(async () => {
      const { memory, descriptors } = await edge.usage();
      peak.memory = Math.max(peak.memory, memory);
      peak.descriptors = Math.max(peak.descriptors, descriptors);
    }, 200);
    for (let done = 0; done < options.clients; done += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, options.clients - done) }, () => vanish(edge)));
    }
    await publisher.run(1000, options.seconds);
    await Promise.race([until(async () => (await edge.usage()).descriptors <= before.descriptors), sleep(15_000)]);
    clearInterval(watch);
    const after = await edge.usage();
    publisher.close();
    return { before, peak, after };
  } finally {
    await edge.stop();
  }
}

async function vanish({ port }: Edge): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(upgradeRequest(PATH), () => socket.resetAndDestroy());
  await once(socket, "close");
}
