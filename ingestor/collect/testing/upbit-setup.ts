/** A collector of a simulated Upbit, with the log in memory; it ends with the test. */

import { pino } from "pino";
import { expect } from "vitest";
import { until } from "../../../local/testing.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { SimulatorOptions } from "../../../simulator/start-simulator.ts";
import { upbit as dialect } from "../../../simulator/upbit/dialect.ts";
import type { UpbitSettings } from "../../../simulator/upbit/settings.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import type { CollectorStatus, EarlierTail, LoggedStatus, RawFrame, Tail } from "../../log/log.ts";
import type { Collector } from "../collector.ts";
import type { MarketList } from "../markets/market-list.ts";
import { type Collecting, collect, simulate } from "./collect.ts";
import { RecordingLog } from "./recording-log.ts";

export const BTC = "upbit:BTC-KRW";

/** The log in memory, with what an earlier collector has left in it, and what a test wants to see. */
class Log extends RecordingLog {
  readonly states: CollectorStatus["state"][] = [];
  readonly statuses: LoggedStatus[] = [];
  readonly bodies: string[] = [];
  tails: readonly Tail[] = [{ events: [], completeFrom: 0, completeUntil: null }];
  /** What stands before the tail, once it has been read. */
  earlier: Promise<EarlierTail> | undefined;
  reading: AbortSignal | undefined;
  full = false;

  override get overloaded(): boolean {
    return this.full;
  }

  override async open(): Promise<readonly Tail[]> {
    return this.tails;
  }

  override async readBack(
    take: (partition: number, earlier: EarlierTail) => Promise<void> = async () => undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    this.reading = signal;
    if (this.earlier !== undefined) await take(0, await this.earlier);
  }

  override announce(status: LoggedStatus): void {
    const { state } = status;
    this.statuses.push(status);
    if (this.states.at(-1) !== state) this.states.push(state);
  }

  override appendRaw({ rest }: RawFrame): void {
    if (rest !== undefined) this.bodies.push(rest.path);
  }
}

export class UpbitSetup {
  readonly log = new Log();
  /** The instruments that are not wanted. */
  readonly left = new Set<string>();
  readonly warnings: string[] = [];
  #started: (Collecting & { readonly simulator: Simulator }) | undefined;

  get simulator(): Simulator {
    return this.#running.simulator;
  }

  get list(): MarketList {
    return this.#running.list;
  }

  get collector(): Collector {
    return this.#running.collector;
  }

  get #running() {
    if (this.#started === undefined) throw new Error("it has not been started");
    return this.#started;
  }

  async start(
    options: SimulatorOptions<UpbitSettings> = {},
    more: { wsUrl?: string; restUrl?: string; period?: number; prepare?: (simulator: Simulator) => void } = {},
  ): Promise<void> {
    const markets = ["KRW-BTC", "KRW-ETH", "BTC-ETH", "USDT-BTC", "KRW-1INCH", "KRW-SHIB"];
    const listings = dialect.listings().filter(({ code }) => markets.includes(code));
    const simulator = await simulate({ paused: true, listings, ...options });
    more.prepare?.(simulator);
    const { wsUrl = simulator.wsUrl, restUrl: listUrl, period } = more;
    const sink = { write: (line: string) => void this.warnings.push(line) };
    const collecting = collect(upbit, { wsUrl, restUrl: simulator.restUrl }, this.log, {
      ...{ listUrl, period, logger: pino({ level: "warn" }, sink) },
      wanted: ({ instrument }) => !this.left.has(instrument),
    });
    this.#started = { simulator, ...collecting };
  }

  live(): Promise<void> {
    return until(() => this.collector.status.state === "live" && this.simulator.state().sockets === 1);
  }

  healed(): Promise<void> {
    return until(() => this.collector.counts.openGaps === 0 && this.collector.counts.gaps > 0);
  }

  /** @returns the last one's id */
  execute(count: number, market = "KRW-BTC"): string {
    for (let i = 0; i < count; i += 1) this.simulator.engine.execute(market);
    return `${this.simulator.engine.log.last(market)?.id}`;
  }

  /** Executes trades and waits until they are in the log. */
  async traded(count: number, market = "KRW-BTC"): Promise<void> {
    const last = this.execute(count, market);
    await until(() => this.log.trades.some(({ id }) => id === last));
  }

  /** Cuts the connection, does what is to be missed, and lets the collector back in. */
  async away(miss: () => void): Promise<void> {
    this.simulator.faults.inject({ fault: "refuse", on: true });
    this.simulator.faults.inject({ fault: "drop" });
    await until(() => this.collector.status.state === "down");
    miss();
    this.simulator.faults.inject({ fault: "refuse", on: false });
    await this.live();
  }

  idsOf(instrument: string): (string | null)[] {
    return this.log.trades.filter((trade) => trade.instrument === instrument).map(({ id }) => id);
  }

  expectEachOnce(): void {
    const ids = this.log.trades.map(({ instrument, id }) => `${instrument}/${id}`);
    expect(ids.length - new Set(ids).size).toBe(0);
  }
}
