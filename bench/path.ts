/** How long a trade takes from the exchange's send to a client of a raw stream. Both ends read the same clock. */

import { TickcastClient } from "../client/client.ts";
import { dialNode } from "../client/node-socket.ts";
import { marketsBody } from "../protocol/rest.ts";
import { benchStack, until } from "./stack.ts";

const RATES = [200, 2000];

export async function benchPath({ seconds, clients }: { seconds: number; clients: number }): Promise<void> {
  const stack = await benchStack({ simulator: { rate: RATES[0] ?? 200, spread: "uniform" } });
  const client = new TickcastClient({ url: stack.url, dial: dialNode });
  const steps = { collector: [] as number[], log: [] as number[], edge: [] as number[], client: [] as number[] };
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
      stack.simulators.get("upbit")?.pace.setRate(rate);
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
      for (const step of ["collector", "log", "edge"] as const) console.log(`  to the ${step}: ${of(steps[step])}`);
    }
  } finally {
    client.close();
    await stack.stop();
  }
}

async function listed(url: string): Promise<string[]> {
  const response = await fetch(`${url}/v1/markets?exchange=upbit`);
  return marketsBody.parse(await response.json()).markets.map(({ instrument }) => instrument);
}

function quantile(values: number[], at: number): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
