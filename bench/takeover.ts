/** How long prices stand still when the ingestor that collects and pushes is killed while another one stands by. */

import { join } from "node:path";
import { TickcastClient } from "../client/client.ts";
import { dialNode } from "../client/node-socket.ts";
import { startIngestor } from "../local/ingestor.ts";
import type { Service } from "../local/service.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { BareProcess } from "./bare.ts";
import { benchStack } from "./stack.ts";
import { until } from "./until.ts";

const RATE = 500;
/** The lower bounds of failure detection: the lease's ttl and the consumer group's session timeout, ms. */
const LEASE = 3000;
const SESSION = 6000;

export async function benchTakeover({ times }: { times: number }): Promise<void> {
  const stack = await benchStack({ exchanges: ["upbit"], simulator: { rate: RATE } });
  const simulator = stack.simulators.get("upbit");
  const client = new TickcastClient({ url: stack.url, dial: dialNode, sockets: "per-instrument" });
  const bare = await BareProcess.start();
  let newest = 0;
  try {
    if (simulator === undefined || stack.ingestor === undefined) throw new Error("a stack has both");
    await until(async () => (await fetch(`${stack.url}/v1/trades/upbit/BTC-KRW`)).ok);
    client.subscribe("upbit:BTC-KRW@trade@raw", {
      onItem: ({ trades = [] }) => {
        for (const { time, late } of trades) if (late !== true) newest = Math.max(newest, time);
      },
    });
    await until(() => newest > 0);
    let [leader, standby]: Service[] = [stack.ingestor, await second(stack.logDir, stack.ingestorEnv)];
    for (let time = 1; time <= times; time += 1) {
      // Both are members of the group, and the standby knows that it is one.
      await pause(12_000);
      await bare.loopDelay();
      const killed = Date.now();
      await leader?.kill();
      const { head } = simulator.state();
      await until(() => sentSince(simulator, head));
      const collected = Date.now() - killed;
      await until(() => newest > killed + collected);
      const received = Date.now() - killed;
      const late = await bare.loopDelay();
      console.log(
        `killed: collected again after ${collected} ms, ${(collected / LEASE).toFixed(2)} leases; ` +
          `a live trade at a client after ${received} ms, ${(received / SESSION).toFixed(2)} sessions of the group; ` +
          `a process that does nothing was late by ${late.toFixed(1)} ms at p99 meanwhile`,
      );
      await leader?.start();
      [leader, standby] = [standby, leader];
    }
    await Promise.all([leader?.stop(), standby?.stop()]);
  } finally {
    client.close();
    await bare.stop();
    await stack.stop();
  }
}

function second(logDir: string, env: NodeJS.ProcessEnv): Promise<Service> {
  return startIngestor({ env, logFile: join(logDir, "second.log") });
}

/** Whether a trade executed after the `head`-th was handed to a socket. */
function sentSince(simulator: Simulator, head: number): boolean {
  return simulator.executed(head, 10_000).trades.some(({ sentTo }) => sentTo > 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
