/**
 * Streams that are named in a URL, PROTOCOL.md §3: `?streams=a,b,c`, or by filter
 * `?exchange=upbit&base=BTC,ETH&quote=KRW&channel=ticker,trade&rate=1s`, where what is left out means every one.
 */

import { ProtocolError } from "./errors.ts";
import { instrument, parseExchange, withSymbol } from "./instrument.ts";
import { LIMITS } from "./limits.ts";
import { ANY, PATTERN_RATE, parsePattern, pattern } from "./pattern.ts";
import { type Channel, DEFAULT_RATE, parseChannel, parseRate, type Rate, stream } from "./stream.ts";

const FILTERS = ["exchange", "base", "quote", "channel", "rate"] as const;
type Filter = (typeof FILTERS)[number];

/**
 * The names of the streams that a URL asks for; none where it names none. Those of `streams` are as they were written, since
 * a bad one spoils no other; those of a filter are canonical.
 *
 * @param others further parameters that the address takes
 * @throws {ProtocolError} `bad_request`, `unknown_stream` or `too_many_streams`
 */
export function streamsOfQuery(query: URLSearchParams, others: readonly string[] = []): string[] {
  check(query, ["streams", ...FILTERS, ...others]);
  const filters = FILTERS.filter((name) => query.has(name));
  const streams = query.get("streams");
  if (streams === null) return filters.length === 0 ? [] : namesOf(query);
  if (filters.length > 0) {
    throw new ProtocolError("bad_request", `"streams" names them all: it can't stand beside "${filters[0]}"`);
  }
  const names = streams.split(",").filter((name) => name !== "");
  if (names.length === 0)
    throw new ProtocolError("bad_request", '"streams" is empty: write streams=upbit:BTC-KRW@trade');
  return limited(names.length, () => names);
}

function check(query: URLSearchParams, known: readonly string[]): void {
  for (const key of query.keys()) {
    if (!known.includes(key)) {
      throw new ProtocolError("bad_request", `there is no query parameter "${key}" here: use ${known.join(", ")}`);
    }
    if (query.getAll(key).length > 1) {
      throw new ProtocolError("bad_request", `"${key}" is given more than once: write its values with commas`);
    }
  }
}

function namesOf(query: URLSearchParams): string[] {
  const channels = valuesOf(query, "channel")?.map(parseChannel);
  if (channels === undefined) {
    throw new ProtocolError("bad_request", "a filter needs a channel: add channel=ticker, channel=trade or both");
  }
  const rates = valuesOf(query, "rate")?.map(parseRate);
  if (rates !== undefined && rates.length > 1) {
    throw new ProtocolError("bad_request", `one rate for all, please: ${rates.join(" or ")}`);
  }
  const exchanges = valuesOf(query, "exchange")?.map(exchangeOf) ?? [ANY];
  const bases = valuesOf(query, "base") ?? [ANY];
  const quotes = valuesOf(query, "quote") ?? [ANY];
  const count = exchanges.length * bases.length * quotes.length * channels.length;
  return limited(count, () =>
    exchanges.flatMap((exchange) =>
      bases.flatMap((base) =>
        quotes.flatMap((quote) => channels.map((channel) => nameOf(exchange, base, quote, channel, rates?.[0]))),
      ),
    ),
  );
}

/** Undefined where the filter is left out, which means every one. */
function valuesOf(query: URLSearchParams, name: Filter): string[] | undefined {
  const values = query
    .get(name)
    ?.split(",")
    .filter((value) => value !== "");
  if (values?.length === 0) throw new ProtocolError("bad_request", `"${name}" is empty: leave it out for every one`);
  return values === undefined ? undefined : [...new Set(values)];
}

function exchangeOf(name: string): string {
  return name === ANY ? ANY : parseExchange(name);
}

function nameOf(exchange: string, base: string, quote: string, channel: Channel, rate: Rate | undefined): string {
  if ([exchange, base, quote].includes(ANY)) {
    return parsePattern(pattern(exchange, base, quote, channel, rate ?? PATTERN_RATE).name).name;
  }
  const { symbol } = instrument(exchange, base, quote);
  return stream(withSymbol(exchange, symbol), channel, rate ?? DEFAULT_RATE).name;
}

function limited(count: number, names: () => string[]): string[] {
  if (count <= LIMITS.streams) return names();
  throw new ProtocolError("too_many_streams", `${count} streams in one request: at most ${LIMITS.streams}`);
}
