/** Everything that one simulated exchange executes, and everything that clients are given of it. */

import { expect } from "vitest";
import type { PartitionLog } from "../../ingestor/verify/read-log.ts";
import type { Gap } from "../../protocol/events.ts";
import type { TradeItem } from "../../protocol/frames.ts";
import type { Executed } from "../../simulator/executed.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import { hasOpenGap } from "./open-gaps.ts";
import { Recorder } from "./recorder.ts";
import type { TestStack } from "./stack.ts";
import { until } from "./until.ts";

/** A trade may be missing that was executed this long, ms, before the last one seen: part of what a gap covers. */
const OVERLAP = 500;

export class Reconciler {
  readonly recorders: readonly Recorder[];
  readonly #stack: TestStack;
  readonly #simulator: Simulator;
  /** What was executed before the clients came. */
  readonly #before: number;

  private constructor(stack: TestStack, simulator: Simulator, recorders: readonly Recorder[]) {
    this.#stack = stack;
    this.#simulator = simulator;
    this.recorders = recorders;
    this.#before = simulator.state().head;
  }

  /** Clients of every market of an exchange that is collected. */
  static async of(stack: TestStack, exchange: string): Promise<Reconciler> {
    const simulator = stack.simulators.get(exchange);
    if (simulator === undefined) throw new Error(`${exchange} is not simulated`);
    await until(() => simulator.state().sockets > 0, `${exchange} to be collected`);
    const symbols = simulator.engine.markets.map(({ code }) => symbolOf(code));
    await until(async () => {
      const { body } = await stack.get(`/v1/markets?exchange=${exchange}`);
      return (body as { markets: unknown[] }).markets.length === symbols.length;
    }, `the markets of ${exchange}`);
    const recorders = symbols.map((symbol) => new Recorder(stack.url, `${exchange}:${symbol}@trade@raw`));
    // A stream of which nothing was known yet begins with a snapshot: what counts is what comes after that.
    await until(() => recorders.every(({ items }) => items.length > 0), `a first item of every market of ${exchange}`);
    return new Reconciler(stack, simulator, recorders);
  }

  close(): void {
    for (const recorder of this.recorders) recorder.close();
  }

  get gaps(): Gap[] {
    return this.recorders.flatMap(({ gaps }) => gaps);
  }

  /** Whether no gap is open, as far as the clients know. */
  get isWhole(): boolean {
    return this.recorders.every(({ gaps }) => !hasOpenGap(gaps));
  }

  /** Resolves when the clients have been given so many more trades. */
  async receives(count: number): Promise<void> {
    const wanted = this.#received + count;
    await until(() => this.#received >= wanted, `${count} more trades`);
  }

  /** Stops the trading, and waits until every gap is closed and each client has the log's last event. */
  async settles(): Promise<readonly PartitionLog[]> {
    this.#simulator.pace.pause();
    const exchange = this.#simulator.exchange;
    let log: readonly PartitionLog[] = [];
    await until(async () => {
      log = await this.#stack.log(exchange);
      return this.isWhole && this.recorders.every((recorder) => lastOf(log, recorder) === recorder.last?.seq);
    }, `${exchange}: everything in its place`);
    return log;
  }

  /** By content, since histories have ids of their own; and by id where a trade came live. */
  expectEachExecutedOnce(): void {
    const executed = this.#executed;
    expect(
      difference(
        executed.map((one) => this.#keyOf(one)),
        this.#receivedKeys,
      ),
    ).toEqual({ missing: [], extra: [] });
    const ids = this.recorders.flatMap((recorder) =>
      recorder.trades.map(({ id }) => `${instrumentOf(recorder)}/${id}`),
    );
    expect(ids.length - new Set(ids).size).toBe(0);
    const everExecuted = this.#stack.executed(this.#simulator.exchange);
    const known = new Set(everExecuted.map(({ market, id }) => `${this.#name(market)}/${id}`));
    const live = this.recorders.flatMap((recorder) =>
      recorder.trades.flatMap(({ id, late }) => (late ? [] : [`${instrumentOf(recorder)}/${id}`])),
    );
    expect(live.filter((key) => !known.has(key))).toEqual([]);
  }

  /** A market's live trades stand in the order in which it executed them. */
  expectLiveInOrder(): void {
    const order = new Map(this.#executed.map(({ market, id, seq }) => [`${this.#name(market)}/${id}`, seq]));
    for (const recorder of this.recorders) {
      const live = recorder.trades.filter(({ late }) => late !== true);
      const seqs = live.map(({ id }) => order.get(`${instrumentOf(recorder)}/${id}`) ?? -1);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    }
  }

  /** Every trade that did not come lies in a lost gap of its market, and lost gaps lie within these times (ms). */
  expectLostCovered(since: number, until: number): void {
    const lost = new Map(
      this.recorders.map((recorder) => [instrumentOf(recorder), recorder.gaps.filter(({ state }) => state === "lost")]),
    );
    const { missing, extra } = difference(
      this.#executed.map((one) => this.#keyOf(one)),
      this.#receivedKeys,
    );
    expect([extra, missing.length > 0]).toEqual([[], true]);
    const uncovered = missing.filter((key) => {
      const [instrument = "", time] = key.split("/");
      return !lost.get(instrument)?.some((gap) => gap.since <= Number(time) && Number(time) <= gap.until);
    });
    expect(uncovered).toEqual([]);
    const all = [...lost.values()].flat();
    expect(all.filter((gap) => gap.since < since - OVERLAP - 2000 || gap.since > until)).toEqual([]);
  }

  get #received(): number {
    return this.recorders.reduce((sum, { trades }) => sum + trades.length, 0);
  }

  /** What each client was given; the last trade of before, which exchanges repeat on connecting, left out. */
  get #receivedKeys(): string[] {
    const all = this.#stack.executed(this.#simulator.exchange);
    const earlier = new Set(all.filter(({ seq }) => seq <= this.#before).map((one) => this.#keyOf(one)));
    return this.recorders
      .flatMap((recorder) => recorder.trades.map((trade) => keyOf(instrumentOf(recorder), trade)))
      .filter((key) => !earlier.has(key));
  }

  get #executed(): Executed[] {
    return this.#stack.executed(this.#simulator.exchange).filter(({ seq }) => seq > this.#before);
  }

  #keyOf({ market, timestamp, price, volume, side }: Executed): string {
    const fields = {
      time: timestamp,
      price: plain(price),
      size: plain(volume),
      side: side === "BID" ? "buy" : "sell",
    } as const;
    return keyOf(this.#name(market), fields);
  }

  #name(code: string): string {
    return `${this.#simulator.exchange}:${symbolOf(code)}`;
  }
}

/** The simulator writes the quote first. */
function symbolOf(code: string): string {
  return code.split("-").reverse().join("-");
}

function instrumentOf({ stream }: Recorder): string {
  return stream.split("@")[0] ?? "";
}

function keyOf(
  instrument: string,
  { time, price, size, side }: Pick<TradeItem, "time" | "price" | "size" | "side">,
): string {
  return `${instrument}/${time}/${price}/${size}/${side}`;
}

/** Without the zeros that exchanges like to write. */
function plain(number: string): string {
  return number.includes(".") ? number.replace(/\.?0+$/, "") : number;
}

/** Counts, so that two trades alike in everything are two. */
function difference(expected: readonly string[], given: readonly string[]): { missing: string[]; extra: string[] } {
  const counts = new Map<string, number>();
  for (const key of expected) counts.set(key, (counts.get(key) ?? 0) + 1);
  const extra: string[] = [];
  for (const key of given) {
    const left = counts.get(key) ?? 0;
    if (left === 0) extra.push(key);
    else counts.set(key, left - 1);
  }
  return { missing: [...counts].flatMap(([key, count]) => Array<string>(count).fill(key)), extra };
}

/** The log's last trade or gap of a recorder's instrument. */
function lastOf(log: readonly PartitionLog[], recorder: Recorder): number | undefined {
  const instrument = instrumentOf(recorder);
  return log
    .flatMap(({ events }) => events)
    .findLast(({ event }) => event.instrument === instrument && event.type !== "ticker")?.seq;
}
