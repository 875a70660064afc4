/** A collector of a simulated exchange, both of which end with the test. */

import { pino } from "pino";
import { onTestFinished } from "vitest";
import type { Market } from "../../../protocol/ingest.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { type SimulatorOptions, startSimulator } from "../../../simulator/start-simulator.ts";
import type { Exchange } from "../../exchanges/exchange.ts";
import type { MemoryLog } from "../../log/memory.ts";
import type { Logger } from "../../logger.ts";
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

export interface CollectOptions {
  /** Of the market list, if that is not the simulator's own. */
  readonly listUrl?: string | undefined;
  /** Between two looks at the list, ms: by default longer than any test lasts. */
  readonly period?: number | undefined;
  /** Which markets are to be collected: all by default. */
  readonly wanted?: (market: Market) => boolean;
  readonly logger?: Logger;
}

/** Starts to collect the markets of a simulator into a log. */
export function collect(
  exchange: Exchange,
  { wsUrl, restUrl }: Pick<Simulator, "wsUrl" | "restUrl">,
  writer: MemoryLog,
  options: CollectOptions = {},
): Collecting {
  const { listUrl = restUrl, period = 600_000, wanted = () => true, logger = pino({ level: "silent" }) } = options;
  const list = new MarketList(exchange, listUrl, logger);
  const rest = { source: "simulated", term: 1, wanted, onStatus: () => undefined } as const;
  const collector = new Collector({ exchange, wsUrl, restUrl, writer, list, logger, ...rest });
  onTestFinished(async () => {
    list.stop();
    await collector.stop();
  });
  void list.run(period, () => collector.refresh());
  void collector.start();
  return { list, collector };
}
