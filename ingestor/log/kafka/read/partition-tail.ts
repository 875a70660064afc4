/**
 * The tail of one partition, built while a takeover reads it: open gaps, and trades bounded by bytes. Tickers are recognised
 * by their headers and skipped.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { KafkaMessage } from "kafkajs";
import { z } from "zod";
import { type GapEvent, marketEvent, type TradeEvent, tickerEvent } from "../../../../protocol/events.ts";
import { type Authority, admit } from "../../../../protocol/log-record.ts";
import { reliedTime } from "../../../event-time.ts";
import type { Tail } from "../../log.ts";
import type { Extent } from "../offsets.ts";
import { headOf, type RecordHead } from "../records.ts";
import { keyOf } from "./open-gaps.ts";

/** Records between two turns of the event loop: the lease must be renewed meanwhile. */
const TURN = 500;
/** Bytes of a trade beside its digits. */
const TRADE = 250;
/** Sweeps for unneeded trades per limit of bytes taken in, at most. */
const SWEEPS = 8;
/** Margin for the difference between the last collector's clock and ours, ms. */
export const HEALING_MARGIN = 5000;

const loggedStatus = z.object({ healing: z.number().optional(), doubted: z.number().optional() });

interface TailTrade {
  readonly event: TradeEvent;
  /** When the log took it, ms. */
  readonly logged: number;
  readonly bytes: number;
}

export class PartitionTail {
  readonly extent: Extent;
  /** Trades beyond this are forgotten, oldest first, bytes. */
  readonly #limit: number;
  /** Instruments of which trades are forgotten last, beside those that have a gap here; where not given, all are alike. */
  readonly #needed: ReadonlySet<string> | undefined;
  /** Bytes taken in since trades of the others were last forgotten. */
  #unswept = 0;
  /** Log times (ms) from which the others are complete of which trades were forgotten. */
  readonly #completeFor = new Map<string, number>();
  /** The first offset that is read. */
  start: number;
  authority: Authority | null = null;
  /** Log times (ms) of the first and the last record that counts. */
  firstLogged: number | undefined;
  lastLogged: number | undefined;
  #trades: TailTrade[] = [];
  /** Where in them those begin that are not forgotten. */
  #from = 0;
  #bytes = 0;
  readonly #openGaps = new Map<string, GapEvent>();
  /** Gaps that end in this tail, wherever they began. */
  readonly #closedGaps = new Set<string>();
  readonly #names = new Map<string, string>();
  #lastStatus: string | undefined;
  #lastTicker: Buffer | null = null;
  #lastTraded: number | undefined;

  /** @param needed the instruments of which trades are to be fetched; all, where it does not say */
  constructor(extent: Extent, start: number, limit: number, needed?: ReadonlySet<string>) {
    this.#needed = needed;
    this.extent = extent;
    this.start = start;
    this.#limit = limit;
  }

  /** Bytes of the trades in memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The last collector's last status. */
  get status(): z.infer<typeof loggedStatus> {
    return this.#lastStatus === undefined ? {} : loggedStatus.parse(JSON.parse(this.#lastStatus));
  }

  /** The instruments of which trades are to be fetched, as far as this tail tells; undefined where it may be any. */
  get needed(): ReadonlySet<string> | undefined {
    const { doubted } = this.status;
    if (doubted !== undefined && this.#isBefore(doubted)) return undefined;
    return new Set([...this.#openGaps.values()].map(({ instrument }) => instrument));
  }

  /** See {@link EarlierTail.completeFor}. */
  get completeFor(): ReadonlyMap<string, number> {
    return this.#completeFor;
  }

  /** Whether a gap that was open before this tail still is after it. */
  leavesOpen(gap: GapEvent): boolean {
    return !this.#closedGaps.has(keyOf(gap));
  }

  /** See {@link Tail.unreadSince}. */
  get unreadSince(): number | undefined {
    const { healing, doubted } = this.status;
    const open = [...this.#openGaps.values()].filter(({ cause }) => cause !== "not_collected");
    const since = Math.min(...[healing ?? [], doubted ?? [], open.map((gap) => gap.since)].flat());
    // Dropped trades would leave a hole between this tail and the records read before it.
    const nothingJoins = this.start <= this.extent.low || this.#from > 0;
    if (nothingJoins || since === Number.POSITIVE_INFINITY) return undefined;
    return this.#isBefore(since) ? since : undefined;
  }

  #isBefore(time: number): boolean {
    return time - HEALING_MARGIN < (this.firstLogged ?? Number.POSITIVE_INFINITY);
  }

  async take(messages: readonly KafkaMessage[]): Promise<void> {
    for (const [i, message] of messages.entries()) {
      if (i > 0 && i % TURN === 0) await nextTurn();
      const head = headOf(message);
      if (head === undefined) continue;
      const { counts, authority } = admit(this.authority, head.origin, head.offset, this.start);
      this.authority = authority;
      if (counts) this.#keep(head, message.value);
    }
  }

  /** @throws when the last ticker or status is none of ours */
  toTail(): Tail {
    const { extent, start, firstLogged } = this;
    const whole = start === 0 && extent.low === 0;
    const forgotten = this.#from > 0;
    const trades = this.#trades.slice(this.#from);
    // Where everything has expired, or been forgotten, all of it may have been in the log.
    const oldest = forgotten ? (trades[0]?.logged ?? Date.now()) : firstLogged;
    const completeFrom = whole && !forgotten ? 0 : (oldest ?? Date.now());
    // A tail of nothing but statuses: the last event is older than all of them.
    const until = this.#lastTraded ?? this.#lastReceived() ?? (whole ? null : (firstLogged ?? null));
    // The gaps that the last collector suspected are ours to confirm or dismiss.
    const { doubted } = this.status;
    const completeUntil = until === null || doubted === undefined ? until : Math.min(until, doubted);
    const events = [...this.#openGaps.values(), ...trades.map(({ event }) => event)];
    const { unreadSince } = this;
    return { events, completeFrom, completeUntil, ...(unreadSince === undefined ? {} : { unreadSince }) };
  }

  #keep({ type, logged }: RecordHead, value: Buffer | null): void {
    this.firstLogged ??= logged;
    this.lastLogged = logged;
    if (type === "ticker") this.#lastTicker = value;
    else if (type === "status") this.#lastStatus = value?.toString();
    else this.#keepEvent(value?.toString() ?? "", logged);
  }

  #keepEvent(text: string, logged: number): void {
    const { success, data: event } = marketEvent.safeParse(JSON.parse(text));
    if (!success) return;
    if (event.type === "gap") {
      this.#noteGap(event);
    } else if (event.type === "trade") {
      // On the exchange's clock, as the times in its history are.
      this.#lastTraded = Math.max(this.#lastTraded ?? 0, reliedTime(event));
      const bytes = TRADE + event.price.length + event.size.length + (event.id?.length ?? 0);
      this.#trades.push({ event: { ...event, instrument: this.#nameOf(event) }, logged, bytes });
      this.#bytes += bytes;
      this.#unswept += bytes;
      this.#forget();
    }
  }

  #noteGap(gap: GapEvent): void {
    const key = keyOf(gap);
    if (gap.state === "open") {
      this.#openGaps.set(key, gap);
      this.#closedGaps.delete(key);
    } else {
      this.#openGaps.delete(key);
      this.#closedGaps.add(key);
    }
  }

  /** One text for all trades of an instrument: each has come as one of its own. */
  #nameOf({ instrument }: TradeEvent): string {
    const known = this.#names.get(instrument);
    if (known !== undefined) return known;
    this.#names.set(instrument, instrument);
    return instrument;
  }

  #forget(): void {
    if (this.#bytes > this.#limit && this.#unswept > this.#limit / SWEEPS) this.#forgetNeedless();
    while (this.#bytes > this.#limit) {
      this.#bytes -= this.#trades[this.#from]?.bytes ?? 0;
      this.#from += 1;
    }
    if (this.#from <= this.#trades.length / 2) return;
    // One stays, to say that there were others.
    this.#trades = this.#trades.slice(this.#from - 1);
    this.#from = 1;
  }

  /** Trades of instruments that lack none. */
  #forgetNeedless(): void {
    this.#unswept = 0;
    if (this.#needed === undefined) return;
    const gaps = [...this.#openGaps.values()];
    const needed = new Set([...this.#needed, ...gaps.map(({ instrument }) => instrument)]);
    const kept: TailTrade[] = [];
    for (const trade of this.#trades.slice(this.#from)) {
      const { instrument } = trade.event;
      if (needed.has(instrument)) kept.push(trade);
      else this.#completeFor.set(instrument, (this.lastLogged ?? 0) + HEALING_MARGIN);
    }
    // One that is forgotten stays, to say that there were others.
    const before = this.#from > 0 ? this.#trades.slice(this.#from - 1, this.#from) : [];
    [this.#trades, this.#from] = [[...before, ...kept], before.length];
    this.#bytes = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Where nothing was traded: when something was received at all. */
  #lastReceived(): number | undefined {
    if (this.#lastTicker === null) return undefined;
    const { data } = tickerEvent.pick({ received: true }).safeParse(JSON.parse(this.#lastTicker.toString()));
    return data?.received ?? undefined;
  }
}
