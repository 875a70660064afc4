/**
 * What a partition feed and a relay say to each other. Items travel as ready-made text: a frame is a JSON head in its first
 * line, and then one line an item, `stream \t prev \t first \t seq \t JSON`, which a relay splits at the tabs and passes on
 * without reading the JSON. Neither tabs nor line breaks stand in names or in JSON text.
 */

import { z } from "zod";
import { ProtocolError } from "./errors.ts";
import { feedStatus, subscribedStream } from "./frames.ts";
import { parseJson } from "./json.ts";
import { RATES } from "./stream.ts";

const seq = z.int().nonnegative();
/** Canonical names of streams and wildcards of the feed's exchange: `upbit:BTC-KRW@trade@raw`, `upbit:*-KRW@ticker@1s`. */
const names = z.array(z.string());

/** Relay → feed. */
export const relayRequest = z.discriminatedUnion("op", [
  /** Adds to, and takes from, what the relay is sent live. Answered by `wanted`. */
  z.object({ op: z.literal("want"), id: z.int(), add: names, drop: names }),
  /** Asks for what has come since `from` of these `trade` streams. Answered by the first page, a `replay`. */
  z.object({ op: z.literal("replay"), id: z.int(), epoch: z.string(), from: seq, streams: names }),
  /** Asks for the next page of a replay: the relay sets the pace. There may be one although there was no more before. */
  z.object({ op: z.literal("next"), id: z.int() }),
  /** Ends a replay, whether it has come to its end or not. */
  z.object({ op: z.literal("cancel"), id: z.int() }),
]);
export type RelayRequest = z.infer<typeof relayRequest>;

/** Everything of the streams at that rate that the relay wants has been sent up to there. */
const through = z.record(z.enum(RATES), seq);
export type Through = z.infer<typeof through>;

/** The `id` of a `wanted` that answers no request. */
export const UNASKED = 0;

/** The head of what a feed says; the lines behind it are items. */
export const relayHead = z.discriminatedUnion("op", [
  /**
   * What was added is sent live from `start` on. The lines are the last items of its state streams and the newest trades of
   * its named `trade` streams. `more`: further lines follow in another one. `epoch` is null where the feed knows nothing of the
   * log; once it does, it says so unasked, of everything that is wanted.
   */
  z.object({
    op: z.literal("wanted"),
    id: z.int(),
    epoch: z.string().nullable(),
    start: seq,
    through,
    more: z.boolean(),
  }),
  /** Live items. */
  z.object({ op: z.literal("lines"), epoch: z.string(), through }),
  /**
   * A page of what the relay asked for, complete up to `through`. Without `more` that is where the feed is: what it sends
   * behind this frame goes on from there. `recovered` says why there is nothing where it is not true; `oldest`: from there on
   * everything is still to be had.
   */
  z.object({
    op: z.literal("replay"),
    id: z.int(),
    epoch: z.string(),
    through: seq,
    oldest: seq,
    more: z.boolean(),
    recovered: z.union([z.literal(true), subscribedStream.shape.reason.unwrap()]),
  }),
  /** The log is another one from here on, and begins behind `start`. The lines say so on every stream. */
  z.object({ op: z.literal("epoch"), epoch: z.string(), start: seq }),
  /** These instruments are no longer collected. */
  z.object({ op: z.literal("gone"), instruments: z.array(z.string()) }),
  z.object({ op: z.literal("status"), status: feedStatus }),
  z.object({ op: z.literal("drain"), within: z.int().positive() }),
]);
export type RelayHead = z.infer<typeof relayHead>;

/** An item on its way to clients. */
export interface ItemLine {
  /** Canonical name: `upbit:BTC-KRW@trade@raw`. */
  readonly stream: string;
  /** No event of the stream lies between it and `first`, the item's first event. */
  readonly prev: number;
  readonly first: number;
  /** The item's last event. */
  readonly seq: number;
  /** The item as JSON. */
  readonly text: string;
}

export function encodeLine({ stream, prev, first, seq, text }: ItemLine): string {
  return `\n${stream}\t${prev}\t${first}\t${seq}\t${text}`;
}

/** @param lines as {@link encodeLine} writes them: a line is written once, however many relays get it */
export function encodeRelayFrame(head: RelayHead, lines: readonly string[] = []): string {
  return JSON.stringify(head) + lines.join("");
}

/** @throws {ProtocolError} `bad_request` where it is no such frame */
export function decodeRelayFrame(text: string): { head: RelayHead; lines: ItemLine[] } {
  const end = text.indexOf("\n");
  const head = relayHead.safeParse(parseJson(end < 0 ? text : text.slice(0, end)));
  if (!head.success) throw new ProtocolError("bad_request", `not a frame of a feed: ${z.prettifyError(head.error)}`);
  const lines: ItemLine[] = [];
  for (let at = end; at >= 0; ) {
    const next = text.indexOf("\n", at + 1);
    lines.push(decodeLine(text, at + 1, next < 0 ? text.length : next));
    at = next;
  }
  return { head: head.data, lines };
}

function decodeLine(text: string, start: number, end: number): ItemLine {
  const a = text.indexOf("\t", start);
  const b = text.indexOf("\t", a + 1);
  const c = text.indexOf("\t", b + 1);
  const d = text.indexOf("\t", c + 1);
  // A tab that is missing is found in a later line, or nowhere.
  if (a < 0 || b < 0 || c < 0 || d < 0 || d >= end) throw notALine(text.slice(start, end));
  const [prev, first, seq] = [wholeNumber(text, a + 1, b), wholeNumber(text, b + 1, c), wholeNumber(text, c + 1, d)];
  if (prev === undefined || first === undefined || seq === undefined || first > seq)
    throw notALine(text.slice(start, end));
  return { stream: text.slice(start, a), prev, first, seq, text: text.slice(d + 1, end) };
}

/** Read digit by digit: this is done three times for every item, and `Number` takes more than digits. */
function wholeNumber(text: string, start: number, end: number): number | undefined {
  let value = 0;
  for (let i = start; i < end; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return end > start && Number.isSafeInteger(value) ? value : undefined;
}

function notALine(line: string): ProtocolError {
  return new ProtocolError("bad_request", `"${line.slice(0, 120)}" is not an item: stream, prev, first, seq and JSON`);
}
