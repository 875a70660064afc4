/**
 * Wildcard streams: `*` for the exchange, the base or the quote, e.g. `upbit:*-KRW@ticker`, `*:BTC-*@ticker@1s`. A stream is
 * found by looking its {@link patternsOf} up, never by trying every pattern on it.
 */

import { ProtocolError } from "./errors.ts";
import { type Instrument, isCode, isOnlyQuote, parseExchange } from "./instrument.ts";
import { type Channel, parseChannel, parseRate, parseStream, type Rate, type Stream } from "./stream.ts";

/** Stands for every exchange, base or quote; never for a part of a name. */
export const ANY = "*";
/** A wildcard carries much: slower than a named stream, unless a rate is given. */
export const PATTERN_RATE: Rate = "1s";

export interface StreamPattern {
  /** Canonical, with the rate filled in: `upbit:*-KRW@ticker@1s`. */
  readonly name: string;
  /** Each is a name or {@link ANY}, at least one of them {@link ANY}. */
  readonly exchange: string;
  readonly base: string;
  readonly quote: string;
  readonly channel: Channel;
  readonly rate: Rate;
}

/** Whether a stream's name, well formed or not, has a wildcard. */
export function isPattern(name: string): boolean {
  return name.includes(ANY);
}

/**
 * A stream or a wildcard, whichever the name is.
 *
 * @throws {ProtocolError} `bad_request` or `unknown_stream`, naming the part that is wrong
 */
export function parseStreamOrPattern(name: string): Stream | StreamPattern {
  return isPattern(name) ? parsePattern(name) : parseStream(name);
}

/**
 * @example parsePattern("upbit:*-KRW@ticker").name // "upbit:*-KRW@ticker@1s"
 * @throws {ProtocolError} `bad_request` or `unknown_stream`, naming the part that is wrong
 */
export function parsePattern(name: string): StreamPattern {
  const [instruments = "", channel, rate, ...more] = name.split("@");
  const [exchange = "", symbol, ...rest] = instruments.split(":");
  if (channel === undefined || more.length > 0 || symbol === undefined || rest.length > 0) {
    throw new ProtocolError(
      "bad_request",
      `"${name.slice(0, 120)}" is not a wildcard: write exchange:BASE-QUOTE@channel with * in place of a whole name, e.g. upbit:*-KRW@ticker`,
    );
  }
  const [base, quote] = parseSymbol(symbol);
  return pattern(
    exchange === ANY ? ANY : parseExchange(exchange),
    base,
    quote,
    parseChannel(channel),
    rate === undefined ? PATTERN_RATE : parseRate(rate),
  );
}

/** Builds a wildcard from parts that are already in canonical form. */
export function pattern(exchange: string, base: string, quote: string, channel: Channel, rate: Rate): StreamPattern {
  return { name: `${exchange}:${base}-${quote}@${channel}@${rate}`, exchange, base, quote, channel, rate };
}

/** Whether the instrument is one of those that the wildcard stands for. */
export function covers({ exchange, base, quote }: StreamPattern, instrument: Instrument): boolean {
  const fits = (wanted: string, name: string) => wanted === ANY || wanted === name;
  return fits(exchange, instrument.exchange) && fits(base, instrument.base) && fits(quote, instrument.quote);
}

/** Every name under which a stream may be wanted: its own, and those of the seven wildcards that stand for it. */
export function patternsOf({ instrument, channel, rate }: Stream): string[] {
  return [instrument.exchange, ANY].flatMap((exchange) =>
    [instrument.base, ANY].flatMap((base) =>
      [instrument.quote, ANY].map((quote) => pattern(exchange, base, quote, channel, rate).name),
    ),
  );
}

function parseSymbol(symbol: string): [base: string, quote: string] {
  const [base = "", quote = "", ...more] = symbol.split("-");
  if (more.length === 0 && isPart(base) && isPart(quote) && !isReversed(base, quote)) return [base, quote];
  throw new ProtocolError("bad_request", `"${symbol.slice(0, 80)}" stands for no symbols: ${hint(symbol)}`);
}

function hint(symbol: string): string {
  const usual = "* stands for a whole base or quote, e.g. *-KRW, BTC-* or *-*";
  const [base = "", quote, ...more] = symbol.toUpperCase().split(/[-_/]/);
  if (base === ANY && quote === undefined) return "did you mean *-*?";
  if (quote === undefined || more.length > 0 || !isPart(base) || !isPart(quote)) return usual;
  return `did you mean ${isReversed(base, quote) ? `${quote}-${base}` : `${base}-${quote}`}?`;
}

function isPart(part: string): boolean {
  return part === ANY || isCode(part);
}

// What won buys is named nowhere: `KRW-*` means `*-KRW`.
function isReversed(base: string, quote: string): boolean {
  return isOnlyQuote(base) && quote === ANY;
}
