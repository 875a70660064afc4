/**
 * Which trades are in the log already, so that an exchange's repeats (every reconnect begins with the last trade again), our
 * own restarts and what is fetched later put nothing into it twice. Ids are compared as text: real frames swap some of them.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { TradeEvent } from "../../../protocol/events.ts";
import { CLOCK_LEAD } from "../../event-time.ts";
import type { EarlierTail, Tail } from "../../log/log.ts";
import { InstrumentTrades, keyOf } from "./instrument-trades.ts";

/** Trades remembered per instrument, and while none may be forgotten. */
const LIMIT = 2000;
const HELD_LIMIT = 200_000;
/** Trades of an earlier tail that are taken in before others have their turn. */
const TURN = 500;

export class TradeDeduplicator {
  readonly #instruments = new Map<string, InstrumentTrades>();
  readonly #completeFrom: number[];
  /** Partitions of which an earlier tail is still being read. */
  readonly #unread: Set<number>;
  readonly #partitionOf: (instrument: string) => number;
  readonly #sameIds: boolean;
  /** Holds on each instrument, see {@link hold}. */
  readonly #held = new Map<string, number>();

  /** @param sameIds whether a trade has the same id on the socket and in the trade history */
  constructor(tails: readonly Tail[], partitionOf: (instrument: string) => number, sameIds = true) {
    this.#completeFrom = tails.map(({ completeFrom }) => completeFrom);
    this.#unread = new Set(tails.flatMap(({ unreadSince }, partition) => (unreadSince === undefined ? [] : partition)));
    this.#partitionOf = partitionOf;
    this.#sameIds = sameIds;
    // Of the tail nothing is forgotten yet: trades of that time may be about to be fetched.
    for (const event of tails.flatMap(({ events }) => events))
      if (event.type === "trade") this.#of(event.instrument).recall(event);
  }

  /**
   * Whether a trade from the socket is new, and remembers it.
   *
   * A repeat that is older than what we remember can't be judged by its id. It was either logged while somebody collected,
   * or fell into a gap that has been announced: it stays out.
   */
  admit(trade: TradeEvent): boolean {
    const remembered = this.#of(trade.instrument);
    if (remembered.isKnown(trade)) return false;
    if (trade.snapshot && trade.time < remembered.completeFrom) return false;
    const fetchedBefore = remembered.contents?.claim(trade) ?? false;
    if (!fetchedBefore) remembered.contents?.add(trade, "socket");
    remembered.remember(trade);
    remembered.trim(this.#limitOf(trade.instrument));
    return !fetchedBefore;
  }

  /** Those of an instrument's fetched trades that the log lacks, in the order given; they are remembered. */
  admitFetched(instrument: string, trades: readonly TradeEvent[]): TradeEvent[] {
    const remembered = this.#of(instrument);
    // Pages may overlap.
    const fetched = new Map(trades.map((trade) => [`${keyOf(trade)}/${trade.time}`, trade]));
    const judgeable = [...fetched.values()].filter(({ time }) => time >= remembered.completeFrom);
    const missing = remembered.contents?.missing(judgeable) ?? judgeable.filter((trade) => !remembered.isKnown(trade));
    for (const trade of missing) {
      remembered.contents?.add(trade, "history");
      remembered.remember(trade);
    }
    remembered.trim(this.#limitOf(instrument));
    return missing;
  }

  /**
   * Takes in what stands in a partition before its tail: from now on its instruments are complete from the beginning of that on.
   * One that has forgotten trades meanwhile stays as it is: the two would not join.
   */
  async recall(partition: number, { events, completeFrom, completeFor }: EarlierTail): Promise<void> {
    const tailFrom = this.#completeFrom[partition] ?? 0;
    const earlier = new Map<string, InstrumentTrades>();
    for (const [i, event] of events.entries()) {
      if (i > 0 && i % TURN === 0) await nextTurn();
      if (event.type !== "trade") continue;
      const remembered = earlier.get(event.instrument) ?? new InstrumentTrades(tailFrom, this.#sameIds);
      earlier.set(event.instrument, remembered);
      remembered.recall(event);
    }
    for (const instrument of [...earlier.keys(), ...(completeFor?.keys() ?? [])]) this.#of(instrument);
    // What comes meanwhile is visited, too.
    for (const [instrument, later] of this.#instruments) {
      if (this.#partitionOf(instrument) !== partition) continue;
      const from = Math.max(completeFrom, completeFor?.get(instrument) ?? 0);
      if (later.completeFrom === tailFrom) this.#join(instrument, later, from, earlier.get(instrument));
      await nextTurn();
    }
    this.#completeFrom[partition] = Math.min(tailFrom, completeFrom);
    this.#unread.delete(partition);
  }

  /** Whether trades executed since a time (ms) may be in an earlier tail that has not been read yet. */
  isUnread(instrument: string, since: number): boolean {
    // The log's times are of our clock, execution times of the exchange's.
    return this.#unread.has(this.#partitionOf(instrument)) && since - CLOCK_LEAD < this.#of(instrument).completeFrom;
  }

  /** Whether a fetched trade is in the log, as far as we remember. */
  has(trade: TradeEvent): boolean {
    const remembered = this.#of(trade.instrument);
    return remembered.contents?.has(trade) ?? remembered.isKnown(trade);
  }

  /** Whether a trade executed between two times (ms, both included) is remembered. */
  someBetween(instrument: string, from: number, to: number): boolean {
    return this.#of(instrument).someBetween(from, to);
  }

  /** Whether a trade has the id of another one: the exchange has begun its ids anew. */
  reusesId(trade: TradeEvent): boolean {
    return this.#of(trade.instrument).reusesId(trade);
  }

  /** Ids of an instrument mean other trades from now on: those so far are identified by id and time, and are no longer compared. */
  renumber(instrument: string): void {
    this.#of(instrument).renumber();
  }

  /** When (ms) the last of an instrument's trades was executed; null where none is remembered. */
  lastTime(instrument: string): number | null {
    return this.#of(instrument).lastTime;
  }

  /** From when on (ms) a fetched trade can be recognised in the log. */
  completeFrom(instrument: string): number {
    return this.#of(instrument).completeFrom;
  }

  /** Of those executed up to a time (ms) the one with the highest id, for exchanges whose ids count up; null where none is remembered. */
  newest(instrument: string, upTo = Number.POSITIVE_INFINITY): { readonly id: string; readonly time: number } | null {
    return this.#of(instrument).newest(upTo);
  }

  /** How many trades of an instrument are remembered: how busy it is, roughly. */
  count(instrument: string): number {
    return this.#of(instrument).size;
  }

  /** Keeps all trades of an instrument while its gap is fetched: a forgotten trade could not be told from a missed one. */
  hold(instrument: string): void {
    this.#held.set(instrument, (this.#held.get(instrument) ?? 0) + 1);
  }

  release(instrument: string): void {
    const held = (this.#held.get(instrument) ?? 0) - 1;
    if (held > 0) this.#held.set(instrument, held);
    else this.#held.delete(instrument);
    this.#of(instrument).trim(this.#limitOf(instrument));
  }

  /** Which gaps of an earlier tail are open is unknown until it has been read. */
  #limitOf(instrument: string): number {
    const isHeld = this.#held.has(instrument) || this.#unread.has(this.#partitionOf(instrument));
    return isHeld ? HELD_LIMIT : LIMIT;
  }

  #join(instrument: string, later: InstrumentTrades, completeFrom: number, earlier = later): void {
    if (earlier !== later) earlier.append(later);
    earlier.completeFrom = Math.min(earlier.completeFrom, completeFrom);
    this.#instruments.set(instrument, earlier);
    earlier.trim(this.#held.has(instrument) ? HELD_LIMIT : LIMIT);
  }

  #of(instrument: string): InstrumentTrades {
    const remembered = this.#instruments.get(instrument);
    if (remembered !== undefined) return remembered;
    const unknown = new InstrumentTrades(this.#completeFrom[this.#partitionOf(instrument)] ?? 0, this.#sameIds);
    this.#instruments.set(instrument, unknown);
    return unknown;
  }
}
