/** How long a trade takes from the exchange's send to a client of a raw stream. Both ends read the same clock. */

import { resolve } from "node:path";
import { TickcastClient } from "../client/client.ts";
import { dialNode } from "../client/node-socket.ts";
import { marketsBody } from "../protocol/rest.ts";
import { BareProcess } from "./bare.ts";
import { quantile } from "./quantile.ts";
import { benchStack } from "./stack.ts";
import { until } from "./until.ts";

const RATES = [200, 2000];
/** How long the bare echo is measured before each of them, s. */
const ECHO = 5;

export interface PathOptions {
  readonly seconds: number;
  readonly clients: number;
  /** The folder that a profile of the ingestor is written to. */
  readonly profile?: string;
}

export async function benchPath({ seconds, clients, profile }: PathOptions): Promise<void> {
  const stack = await benchStack({
    simulator: { rate: RATES[0] ?? 200, spread: "uniform" },
    ingestor: profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(profile)}` },
  });
  const client = new TickcastClient({ url: stack.url, dial: dialNode, sockets: "per-instrument" });
  const steps = { collector: [] as number[], log: [] as number[], edge: [] as number[], client: [] as number[] };
  const bare = await BareProcess.start();
  let measuring = false;
  try {
    await until(async () => (await listed(stack.url)).length > 0);
    const instruments = (await listed(stack.url)).slice(0, clients);
    let flowing = 0;
    for (const name of instruments) {
      client.subscribe(`${name}@trade@raw`, {
        onSubscribed() {
          flowing += 1;
        },
        onItem({ t, trades, snapshot }) {
          if (!measuring || snapshot || trades === undefined) return;
          const now = Date.now();
          steps.collector.push((t.received ?? t.exchange) - t.exchange);
          steps.log.push(t.logged - (t.received ?? t.exchange));
          steps.edge.push(t.edge - t.logged);
          steps.client.push(now - t.exchange);
        },
      });
    }
    await until(() => flowing >= instruments.length);
    for (const rate of RATES) {
      const pace = stack.simulators.get("upbit")?.pace;
      pace?.pause();
      const echo = await bare.echo(rate, ECHO);
      pace?.setRate(rate);
      pace?.resume();
      // The first seconds at a rate warm everything up.
      await pause(5000);
      for (const values of Object.values(steps)) values.length = 0;
      measuring = true;
      await pause(seconds * 1000);
      measuring = false;
      const of = (values: number[]) =>
        `p50 ${quantile(values, 0.5)} p99 ${quantile(values, 0.99)} max ${quantile(values, 1)} ms`;
      console.log(
        `${rate} trades/s, ${instruments.length} clients, ${steps.client.length} trades: exchange → client ${of(steps.client)}`,
      );
      const times = (quantile(steps.client, 0.99) / echo).toFixed(1);
      console.log(`  its p99 is ${times} times that of a bare echo at this rate, ${echo.toFixed(2)} ms`);
      for (const step of ["collector", "log", "edge"] as const) console.log(`  to the ${step}: ${of(steps[step])}`);
    }
  } finally {
    client.close();
    await bare.stop();
    await stack.stop();
  }
}

async function listed(url: string): Promise<string[]> {
  const response = await fetch(`${url}/v1/markets?exchange=upbit`);
  return marketsBody.parse(await response.json()).markets.map(({ instrument }) => instrument);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
