/** Stream names: `<exchange>:<BASE>-<QUOTE>@<channel>[@<rate>]`. */

import { ProtocolError } from "./errors.ts";
import { type Instrument, parseInstrument } from "./instrument.ts";

/** Of a `state` the newest value replaces the older ones; of a `log` every event counts. */
export type ChannelKind = "state" | "log";

/** Channels that run today, and their kind. */
export const CHANNEL_KINDS = { ticker: "state", trade: "log" } as const satisfies Record<string, ChannelKind>;
export type Channel = keyof typeof CHANNEL_KINDS;
export const CHANNELS = ["ticker", "trade"] as const satisfies readonly Channel[];

/**
 * How often a stream may send: the period, ms, in which it sends one item at most, and within which the newest value is sent
 * after a quiet spell. `raw` has none, it sends each event as it comes. A further rate is one entry here, its period a
 * multiple of the shortest one's: the pusher's grid ticks with that.
 */
export const RATE_PERIODS = { raw: null, "100ms": 100, "1s": 1000 } as const satisfies Record<string, number | null>;
export type Rate = keyof typeof RATE_PERIODS;
/** Every rate, in the order of the table. */
export const RATES = Object.keys(RATE_PERIODS) as readonly Rate[];
export const DEFAULT_RATE: Rate = "100ms";

export interface Stream {
  /** Canonical, with the rate filled in: `upbit:BTC-KRW@trade@100ms`. */
  readonly name: string;
  readonly instrument: Instrument;
  readonly channel: Channel;
  readonly rate: Rate;
}

export function stream(instrument: Instrument, channel: Channel, rate: Rate = DEFAULT_RATE): Stream {
  return { name: `${instrument.name}@${channel}@${rate}`, instrument, channel, rate };
}

/**
 * @example parseStream("upbit:BTC-KRW@trade").name // "upbit:BTC-KRW@trade@100ms"
 * @throws {ProtocolError} `bad_request` or `unknown_stream`, naming the part that is wrong
 */
export function parseStream(name: string): Stream {
  const parts = name.split("@");
  const [instrumentName = "", channel, rate] = parts;
  if (channel === undefined || parts.length > 3) {
    throw new ProtocolError(
      "bad_request",
      `"${name.slice(0, 120)}" is not a stream: write exchange:BASE-QUOTE@channel, e.g. upbit:BTC-KRW@trade`,
    );
  }
  return stream(
    parseInstrument(instrumentName),
    parseChannel(channel),
    rate === undefined ? DEFAULT_RATE : parseRate(rate),
  );
}

/** @throws {ProtocolError} `unknown_stream` */
export function parseChannel(channel: string): Channel {
  return oneOf("unknown_stream", "channel", CHANNELS, channel);
}

/** @throws {ProtocolError} `bad_request` */
export function parseRate(rate: string): Rate {
  return oneOf("bad_request", "rate", RATES, rate);
}

function oneOf<T extends string>(
  code: "unknown_stream" | "bad_request",
  what: string,
  known: readonly T[],
  text: string,
): T {
  const found = known.find((value) => value === text);
  if (found !== undefined) return found;
  throw new ProtocolError(code, `there is no ${what} "${text.slice(0, 40)}": use ${known.join(" or ")}`);
}
