/** The registry as this Worker sees it: asked at most once a second, so that a request usually costs no call. */

import type { RegistryView } from "../durable-objects/registry/registry.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { Market } from "../protocol/ingest.ts";
import { type Instrument, isCode, parseExchange, withSymbol } from "../protocol/instrument.ts";
import { createPartitioner, DEFAULT_PARTITIONS } from "../protocol/partition.ts";
import type { Env } from "./env.ts";
import { registryOf } from "./objects.ts";

/** Which markets a list is asked for; undefined means all. */
export interface MarketFilter {
  readonly exchange?: string | undefined;
  readonly base?: string | undefined;
  readonly quote?: string | undefined;
}

/** How long a view serves, ms. */
const FRESH = 1000;

/** By the number of partitions: each remembers where the instruments are. */
const partitioners = new Map<number, ReturnType<typeof createPartitioner>>();

let cached: { readonly view: Directory; readonly at: number } | undefined;

export class Directory {
  readonly version: string;
  readonly #markets: Readonly<Record<string, readonly Market[]>>;
  readonly #byInstrument: ReadonlyMap<string, Market>;
  readonly reports: RegistryView["reports"];
  readonly #leftOut: RegistryView["leftOut"];

  constructor(
    version: string,
    markets: Readonly<Record<string, readonly Market[]>>,
    reports: RegistryView["reports"],
    leftOut: RegistryView["leftOut"] = {},
  ) {
    this.version = version;
    this.#markets = markets;
    this.#byInstrument = new Map(Object.values(markets).flatMap((list) => list.map((one) => [one.instrument, one])));
    this.reports = reports;
    this.#leftOut = leftOut;
  }

  get exchanges(): string[] {
    return [...new Set([...Object.keys(this.#markets), ...Object.keys(this.reports)])].sort();
  }

  count(exchange: string): number {
    return Object.hasOwn(this.#markets, exchange) ? (this.#markets[exchange]?.length ?? 0) : 0;
  }

  /** Whether the operator has all of its markets left out. */
  isDropped(exchange: string): boolean {
    return Object.hasOwn(this.#markets, exchange) && this.count(exchange) === 0;
  }

  /** What of the exchange's list the registry did not take, for people. */
  leftOut(exchange: string): string | undefined {
    return Object.hasOwn(this.#leftOut, exchange) ? this.#leftOut[exchange] : undefined;
  }

  /** Where the instrument is in the log of its exchange, and so which partition's feed has it. */
  partitionOf({ exchange, instrument }: Pick<Market, "exchange" | "instrument">): number {
    const reported = Object.hasOwn(this.reports, exchange) ? this.reports[exchange]?.partitions : undefined;
    return partitionerOf(reported ?? DEFAULT_PARTITIONS)(instrument);
  }

  has(instrument: string): boolean {
    return this.#byInstrument.has(instrument);
  }

  /** @throws {ProtocolError} `bad_request` when the filter names an exchange or a currency in bad form */
  find(filter: MarketFilter): Market[] {
    const exchanges = values(filter.exchange)?.map(parseExchange);
    const [bases, quotes] = [values(filter.base)?.map(parseCode), values(filter.quote)?.map(parseCode)];
    return Object.entries(this.#markets)
      .filter(([exchange]) => exchanges?.includes(exchange) ?? true)
      .flatMap(([, markets]) => markets)
      .filter(({ base, quote }) => (bases?.includes(base) ?? true) && (quotes?.includes(quote) ?? true));
  }

  /** The same lists, with what has been said since. */
  with({ reports, leftOut }: Pick<RegistryView, "reports" | "leftOut">): Directory {
    return new Directory(this.version, this.#markets, reports, leftOut);
  }
}

/** The registry's view, at most a second old. */
export async function directory(env: Env, now = Date.now()): Promise<Directory> {
  if (cached !== undefined && now - cached.at < FRESH) return cached.view;
  const known = cached?.view;
  const view = await registryOf(env).view(known?.version);
  const fresh =
    view.markets === null && known !== undefined
      ? known.with(view)
      : new Directory(view.version, view.markets ?? {}, view.reports, view.leftOut);
  cached = { view: fresh, at: now };
  return fresh;
}

/** What was just put is to be seen at once, at least here. */
export function forgetDirectory(): void {
  if (cached !== undefined) cached = { ...cached, at: 0 };
}

/**
 * The instrument that a path names, if it is in the registry: what isn't wakes no object.
 *
 * @throws {ProtocolError} `bad_request` for a malformed name, `unknown_instrument`
 */
export async function knownInstrument(env: Env, exchange: string, symbol: string): Promise<Instrument> {
  const found = withSymbol(parseExchange(exchange), symbol);
  const registry = await directory(env);
  if (registry.has(found.name)) return found;
  const swapped = `${found.exchange}:${found.quote}-${found.base}`;
  const hint = registry.has(swapped) ? `did you mean ${swapped}?` : "see /v1/markets for those there are";
  throw new ProtocolError("unknown_instrument", `there is no ${found.name}: ${hint}`);
}

function partitionerOf(partitions: number): (instrument: string) => number {
  const known = partitioners.get(partitions) ?? createPartitioner(partitions);
  partitioners.set(partitions, known);
  return known;
}

function parseCode(code: string): string {
  if (isCode(code)) return code;
  throw new ProtocolError("bad_request", `"${code.slice(0, 40)}" is not a currency: write it in upper case, e.g. BTC`);
}

function values(list: string | undefined): string[] | undefined {
  return list === undefined ? undefined : list.split(",").filter((value) => value !== "");
}
