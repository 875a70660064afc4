/** What there is, as the registry has told it last: markets, and how their exchanges are. */

import { ProtocolError } from "../../protocol/errors.ts";
import type { Market } from "../../protocol/ingest.ts";
import { isCode, parseExchange } from "../../protocol/instrument.ts";
import { createPartitioner, DEFAULT_PARTITIONS } from "../../protocol/partition.ts";
import type { RegistryView } from "./registry.ts";

/** Which markets a list is asked for; undefined means all. */
export interface MarketFilter {
  readonly exchange?: string | undefined;
  readonly base?: string | undefined;
  readonly quote?: string | undefined;
}

/** By the number of partitions: each remembers where the instruments are. */
const partitioners = new Map<number, ReturnType<typeof createPartitioner>>();

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
    return partitionerOf(this.partitions(exchange))(instrument);
  }

  /** How many partitions the log of an exchange has, as its ingestor has reported. */
  partitions(exchange: string): number {
    return (
      (Object.hasOwn(this.reports, exchange) ? this.reports[exchange]?.partitions : undefined) ?? DEFAULT_PARTITIONS
    );
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

  /** What the registry answers to whoever has seen an earlier answer: the lists only where they have changed. */
  static of(view: RegistryView, known?: Directory): Directory {
    if (view.markets === null && known !== undefined) return known.with(view);
    return new Directory(view.version, view.markets ?? {}, view.reports, view.leftOut);
  }

  /** The same lists, with what has been said since. */
  with({ reports, leftOut }: Pick<RegistryView, "reports" | "leftOut">): Directory {
    return new Directory(this.version, this.#markets, reports, leftOut);
  }
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
