/** A collector of a simulated exchange, both of which end with the test. */

import { pino } from "pino";
import { onTestFinished } from "vitest";
import type { Simulator } from "../../../simulator/simulator.ts";
import { type SimulatorOptions, startSimulator } from "../../../simulator/start-simulator.ts";
import type { Exchange } from "../../exchanges/exchange.ts";
import type { MemoryLog } from "../../log/memory.ts";
import { Collector } from "../collector.ts";
import { MarketList } from "../markets/market-list.ts";

export interface Collecting {
  readonly list: MarketList;
  readonly collector: Collector;
}

/** Starts a simulator that ends with the test. */
export async function simulate<S extends object>(options: SimulatorOptions<S>): Promise<Simulator> {
  const simulator = await startSimulator<S>(options);
  onTestFinished(() => simulator.stop());
  return simulator;
}

/**
 * Starts to collect all markets of a simulator into a log.
 *
 * @param restUrl of its market list, if that is not the simulator's own
 * @param period between two looks at the list, ms: by default longer than any test lasts
 */
export function collect(
  exchange: Exchange,
  { wsUrl, restUrl }: Pick<Simulator, "wsUrl" | "restUrl">,
  writer: MemoryLog,
  { listUrl = restUrl, period = 600_000 }: { readonly listUrl?: string | undefined; readonly period?: number } = {},
): Collecting {
  const logger = pino({ level: "silent" });
  const list = new MarketList(exchange, listUrl, logger);
  const rest = { source: "simulated", term: 1, wanted: () => true, onStatus: () => undefined } as const;
  const collector = new Collector({ exchange, wsUrl, restUrl, writer, list, logger, ...rest });
  onTestFinished(async () => {
    list.stop();
    await collector.stop();
  });
  void list.run(period, () => collector.refresh());
  void collector.start();
  return { list, collector };
}
