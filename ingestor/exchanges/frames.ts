/** What reading a frame takes on every exchange: text to JSON, JSON to checked fields, lists of which the sound items are kept. */

import { z } from "zod";
import { type Decimal, DecimalError, toDecimal } from "../../protocol/decimal.ts";
import type { TickerEvent } from "../../protocol/events.ts";
import { parseExactJson } from "./exact-json.ts";
import { FrameError, type Parsed, type ParsedEvent, type Subject } from "./exchange.ts";

/** A JSON object of which nothing is known yet. Its numbers are text: see {@link parseExactJson}. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Exact JSON, see {@link parseExactJson}. @throws {FrameError} when it is none */
export function readJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FrameError(`not JSON: ${error.message}`);
  }
}

/**
 * @param keyOf a field's key as the frame spells it: what an error names must be found in the frame
 * @throws {FrameError} naming the fields that are wrong
 */
export function readFields<T>(schema: z.ZodType<T>, value: unknown, keyOf = (field: string) => field): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const wrong = error.issues.map(({ path, message }) => [keyOf(path.join(".")), message].filter(Boolean).join(": "));
  throw new FrameError(wrong.join("; "));
}

/**
 * Reads each item of a list; a bad one costs the others nothing. An answer among them is the answer of the whole.
 *
 * @param where what the list is called in the frame: `data` makes the first item `data[0]`
 * @throws {FrameError} naming the items that are bad, with the events of the others
 */
export function readList(items: readonly unknown[], where: string, read: (item: unknown) => Parsed): Parsed {
  const events: ParsedEvent[] = [];
  const lastTradeIds = new Map<string, string>();
  const volumes = new Map<string, Decimal>();
  const wrong: string[] = [];
  const subjects: Subject[] = [];
  for (const [index, item] of items.entries()) {
    try {
      const parsed = read(item);
      if (parsed.kind === "ignored") continue;
      if (parsed.kind !== "events") return parsed;
      events.push(...parsed.events);
      for (const [instrument, id] of parsed.lastTradeIds ?? []) lastTradeIds.set(instrument, id);
      for (const [instrument, volume] of parsed.volumes ?? []) volumes.set(instrument, volume);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      wrong.push(`${where}[${index}] ${error.message}`);
      subjects.push(error.subject);
    }
  }
  if (wrong.length > 0) throw new FrameError(wrong.join("; "), events, gravest(subjects));
  if (events.length === 0) return { kind: "ignored" };
  return {
    kind: "events",
    events,
    ...(lastTradeIds.size > 0 ? { lastTradeIds } : {}),
    ...(volumes.size > 0 ? { volumes } : {}),
  };
}

function gravest(subjects: readonly Subject[]): Subject {
  if (subjects.includes("trade")) return "trade";
  return subjects.find((subject) => subject !== "no-trade") ?? "no-trade";
}

/**
 * Reads what says of itself that it is no trade.
 *
 * @throws {FrameError} as `read` does, and it says so too
 */
export function noTrade<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new FrameError(error.message, error.events, "no-trade");
  }
}

/** A ticker, and what was traded up to its time where it says so. */
export function tickerWithVolume(event: TickerEvent, volume: Decimal | null): Parsed {
  const volumes = volume === null ? {} : { volumes: new Map([[event.instrument, volume]]) };
  return { kind: "events", events: [event], ...volumes };
}

/** The error for a frame whose type is unknown. @param key what the frame calls its type */
export function unknownType(key: string, type: unknown): FrameError {
  const text = JSON.stringify(type).slice(0, 40);
  return new FrameError(`${key}: ${text} is unknown`, [], { unknownType: text });
}

/** A field that is text, or a number, which arrives as its own digits; `read` returns undefined for what is not `what`. */
export function field<T>(what: string, read: (text: string) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const sound = typeof value === "string" ? read(value) : undefined;
    if (sound !== undefined) return sound;
    context.issues.push({
      code: "custom",
      input: value,
      message: value === undefined ? `missing, must be ${what}` : `not ${what}`,
    });
    return z.NEVER;
  });
}

export const signed = field("a number", decimalIn);
export const amount = field("a number of 0 or more", (text) => (text.startsWith("-") ? undefined : decimalIn(text)));
/** Seconds and microseconds are refused, rather than taken for another age. */
export const milliseconds = field("milliseconds since 1970", (text) =>
  /^\d{13}$/.test(text) ? Number(text) : undefined,
);
/** Stays text: some are beyond 2^53. */
export const integer = field("an integer", integerIn);

/** The same field, where it may be left out. */
export function orNull<T>(schema: z.ZodType<T>) {
  return schema.nullable().default(null);
}

/** The integer (0 or more) that a text is; undefined when it is none. */
export function integerIn(text: string): string | undefined {
  return /^(?:0|[1-9]\d*)$/.test(text) ? text : undefined;
}

function decimalIn(text: string): Decimal | undefined {
  try {
    return toDecimal(text);
  } catch (error) {
    if (error instanceof DecimalError) return undefined;
    throw error;
  }
}
