/** Where the streams of a subscription come from: which partitions of which exchanges, and under what name there. */

import { instrument } from "../../protocol/instrument.ts";
import { ANY, parseStreamOrPattern, type StreamPattern } from "../../protocol/pattern.ts";
import { type Channel, type Rate, type Stream, stream } from "../../protocol/stream.ts";

/** What a relay must know of the registry. */
export interface Markets {
  readonly exchanges: readonly string[];
  /** @param instrument `upbit:BTC-KRW` */
  has(instrument: string): boolean;
  /** How many instruments a wildcard stands for now. */
  count(pattern: StreamPattern): number;
  /** The partition feed of an instrument of an exchange, `upbit/2`, whether it is listed or not. */
  partitionOf(instrument: string): string;
  partitionsOf(exchange: string): readonly string[];
}

/** A partition feed, and what it is asked for: the name without a wildcard for the exchange. */
export interface Source {
  readonly partition: string;
  readonly name: string;
}

/** What one client subscribes to: a stream or a wildcard. */
export interface Subscription {
  /** Canonical. */
  readonly name: string;
  readonly channel: Channel;
  readonly rate: Rate;
  readonly wildcard: boolean;
  readonly sources: readonly Source[];
  /** How many instruments it stands for now. */
  readonly matches: number;
}

/** @throws {ProtocolError} where the name is none */
export function subscription(name: string, markets: Markets): Subscription {
  const parsed = parseStreamOrPattern(name);
  const { channel, rate } = parsed;
  const wildcard = !("instrument" in parsed);
  const sources = wildcard ? sourcesOfPattern(parsed, markets) : [sourceOf(parsed, markets)];
  const matches = wildcard ? markets.count(parsed) : 1;
  return { name: parsed.name, channel, rate, wildcard, sources, matches };
}

function sourceOf({ name, instrument }: Stream, markets: Markets): Source {
  return { partition: markets.partitionOf(instrument.name), name };
}

function sourcesOfPattern({ exchange, base, quote, channel, rate }: StreamPattern, markets: Markets): Source[] {
  const exchanges = exchange === ANY ? markets.exchanges : [exchange];
  return exchanges.flatMap((one) => {
    // `*:BTC-KRW` is one instrument of each exchange.
    if (base !== ANY && quote !== ANY) return [sourceOf(stream(instrument(one, base, quote), channel, rate), markets)];
    const name = `${one}:${base}-${quote}@${channel}@${rate}`;
    return markets.partitionsOf(one).map((partition) => ({ partition, name }));
  });
}

/** The rates of the trade streams of a partition. */
export function tradeRatesOf(
  subscriptions: ReadonlyMap<string, Subscription>,
  partition: string,
): Set<Subscription["rate"]> {
  const trades = [...subscriptions.values()].filter(
    ({ channel, sources }) => channel === "trade" && sources.some((source) => source.partition === partition),
  );
  return new Set(trades.map(({ rate }) => rate));
}

export function sourcesOf(subscriptions: Iterable<Subscription>): Source[] {
  return [...subscriptions].flatMap(({ sources }) => sources);
}
