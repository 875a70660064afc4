/** All that stands between the log and a feed, each part of which a test can have fail, and what must hold of it. */

import { pino } from "pino";
import { expect } from "vitest";
import { type FeedFrame, type TicksFrame, ticksFrame } from "../../../protocol/ingest.ts";
import { RATE_PERIODS, RATES, type Rate } from "../../../protocol/stream.ts";
import type { LogRecord } from "../../log/log.ts";
import { EdgeTotals } from "../edge-totals.ts";
import { FeedLink } from "../feed-link.ts";
import { dueOn, GRID } from "../grid.ts";
import type { CatchUp } from "../parking.ts";
import { Wire } from "./wire.ts";

const INSTRUMENT = "upbit:BTC-KRW";
const CONFLATED = RATES.filter((rate) => RATE_PERIODS[rate] !== null);
const STATUS = '{"state":"live","source":"simulated","since":1}';

/**
 * A partition of the log, the pusher's reading of it, a link, and a feed that keeps what it is sent as a real one does; what
 * is sent is on its way until the feed takes it. The pusher may go on from another one's commit, with a feed that has lost
 * some of what it had acked.
 */
export class FeedWorld {
  readonly #log: LogRecord[] = [];
  readonly #commit: number;
  #resumed = false;
  #read: number;
  #asOf = 1;
  #now = Date.now();
  #wire: Wire<TicksFrame> | undefined;
  #rates: readonly Rate[] = [];
  #catchUp: { readonly catchUp: CatchUp; next: number } | undefined;
  #ticks = 0;
  /** In which of its periods a rate was due last. */
  readonly #lastDue = new Map<Rate, number>();
  /** Rates at which the feed gathers something. */
  #gathering = new Set<Rate>();
  #taken = 0;
  #stored = 0;
  #lostStorage = false;
  /** Batches taken in. */
  batches = 0;
  readonly #link = new FeedLink({
    instrument: INSTRUMENT,
    partition: 0,
    idleBatch: 30_000,
    parkBytes: 700,
    view: () =>
      this.#read === this.#commit
        ? undefined
        : { epoch: "e-0", asOf: this.#asOf, opens: this.#commit, next: this.#read + 1, status: STATUS },
    logger: pino({ level: "silent" }),
    onBytes: () => undefined,
    counted: new EdgeTotals("upbit").source("symbol_feed"),
    onLack: (_link, catchUp) => {
      this.#catchUp = { catchUp, next: catchUp.seq + 1 };
    },
    onReplaced: () => undefined,
  });

  /**
   * @param before which of the records before the commit are of this instrument, after a first one that is not
   * @param kept the share of these that the feed still has
   */
  constructor(before: readonly boolean[], kept: number) {
    this.log([false, ...before], 1);
    this.#read = this.#log.length;
    this.#commit = this.#log.length;
    this.#stored = this.#own[Math.ceil(kept * this.#own.length) - 1]?.offset ?? 0;
    this.#taken = this.#stored;
  }

  /** The reader says what stood before the commit. */
  resume(): void {
    if (this.#resumed) return;
    this.#resumed = true;
    this.#link.enter("e-0", this.#now);
    const seq = this.#own.findLast(({ offset }) => offset <= this.#commit)?.offset;
    if (seq !== undefined) this.#link.expect("e-0", { seq, from: 1 }, this.#now);
  }

  /** Records come to the log, of this instrument and of others, some in the same ms; the live reading may lag behind. */
  log(own: readonly boolean[], pause: number): void {
    for (const mine of own) {
      const offset = this.#log.length + 1;
      const logged = (this.#log.at(-1)?.logged ?? 1000) + pause;
      const [key, type] = mine ? [INSTRUMENT, "trade" as const] : ["status", "status" as const];
      const origin = { kind: "event", incarnation: "e", term: 1 } as const;
      this.#log.push({ offset, logged, key, type, value: `{"type":"trade","id":"${offset}"}`, origin });
    }
  }

  read(count: number): void {
    this.resume();
    for (const record of this.#log.slice(this.#read, this.#read + count)) {
      this.#read = record.offset;
      if (record.key === INSTRUMENT) this.#link.take("e-0", record, this.#now);
      this.#asOf = record.logged;
    }
    this.#link.onRead(this.#now);
  }

  /** The reading on the feed's behalf goes on, as the catch-up reader has it. */
  readAgain(count: number): void {
    const again = this.#catchUp;
    if (again === undefined || !this.#link.wants(again.catchUp)) return;
    for (const record of this.#log.slice(again.next - 1, again.next - 1 + count)) {
      if (record.key === INSTRUMENT) this.#link.takeAgain("e-0", record, this.#now);
      again.next = record.offset + 1;
    }
    this.#link.onRead(this.#now);
    if (again.next > this.#read) this.#link.unpark();
    else if (this.#link.full) this.#link.leaveReading();
  }

  grid(pass: number, silent: boolean): void {
    this.#now += pass;
    this.#ticks += 1;
    this.#link.onGrid(this.#now, dueOn(this.#ticks), silent);
  }

  status(): void {
    this.#link.onStatus(this.#now);
  }

  open(): void {
    if (this.#wire !== undefined) return;
    this.#wire = new Wire((frame) => this.#checked(ticksFrame.parse(frame)));
    this.#link.opened(this.#wire.socket);
    const epoch = this.#stored === 0 ? null : "e-0";
    this.#say({ op: "ready", epoch, seq: this.#stored, rates: [...this.#rates] });
  }

  /** What was on its way is lost; the feed sends what it was gathering. */
  close(): void {
    this.#gathering.clear();
    if (this.#wire !== undefined) this.#link.closed();
    this.#wire = undefined;
  }

  fill(full: boolean): void {
    if (this.#wire !== undefined) this.#wire.bufferedAmount = full ? 3_000_000 : 0;
  }

  listen(rates: readonly Rate[]): void {
    this.#rates = rates;
    this.#say({ op: "cadence", rates: [...rates] });
  }

  /** The feed takes the next batches in. */
  take(count: number): void {
    for (const { prev, events, through, asOf, due } of this.#wire?.take(count) ?? []) {
      this.#flush(due);
      if (prev > this.#taken) {
        this.#say({ op: "resend", epoch: "e-0", from: this.#taken });
        continue;
      }
      for (const { seq } of events) {
        if (seq <= this.#taken) continue;
        expect(this.#own.findLast(({ offset }) => offset < seq)?.offset ?? 0, `before ${seq}`).toBe(this.#taken);
        this.#taken = seq;
        this.#gathering = new Set(CONFLATED);
      }
      this.#flush(due);
      this.batches += 1;
      const lacked = this.#own.find(({ offset }) => offset > this.#taken);
      expect(asOf, `with ${this.#taken}, without ${lacked?.offset}`).toBeLessThanOrEqual(lacked?.logged ?? asOf);
      expect(through, `with ${this.#taken}`).toBeLessThan(lacked?.offset ?? Math.max(this.#read, this.#taken) + 1);
      expect(through).toBeGreaterThanOrEqual(this.#sentTo(prev, events));
    }
  }

  ack(share: number, dirty: boolean): void {
    const storing = this.#own.filter(({ offset }) => offset > this.#stored && offset <= this.#taken);
    this.#stored = storing[Math.ceil(share * storing.length) - 1]?.offset ?? this.#stored;
    if (this.#stored > 0) this.#say({ op: "ack", epoch: "e-0", seq: this.#stored, dirty });
  }

  /** The feed loses its memory, and with `storage` some of what it had acked. */
  lose(storage: boolean): void {
    const older = this.#own.filter(({ offset }) => offset < this.#stored).at(-2)?.offset;
    if (storage) this.#stored = older ?? this.#stored;
    this.#lostStorage ||= storage;
    this.#taken = this.#stored;
    if (this.#stored > 0) this.#say({ op: "resend", epoch: "e-0", from: this.#stored });
  }

  /** What the feed has not stored is not committed, but for one that loses it only now. */
  checkCommit(): void {
    const lacked = this.#own.find(({ offset }) => offset > this.#stored && offset <= this.#read);
    if (lacked === undefined || this.#lostStorage) return;
    expect(Math.min(this.#read + 1, this.#link.holds ?? this.#read + 1)).toBeLessThanOrEqual(
      Math.max(this.#commit + 1, lacked.offset),
    );
  }

  /** Everything goes well for long enough. */
  settle(): void {
    this.fill(false);
    this.open();
    // A collector's status, without which nothing is sent.
    this.log([false], 1);
    this.read(this.#log.length);
    for (let i = 0; i < 3 * this.#log.length + 30; i += 1) {
      this.readAgain(5);
      this.grid(31_000, true);
      this.take(100);
      this.ack(1, false);
    }
    expect([this.#stored, this.#link.parked]).toEqual([this.#own.at(-1)?.offset ?? 0, false]);
    expect(this.#rates.filter((rate) => this.#gathering.has(rate))).toEqual([]);
  }

  #sentTo(prev: number, events: TicksFrame["events"]): number {
    return events.at(-1)?.seq ?? prev;
  }

  #flush(due: readonly Rate[]): void {
    for (const rate of due) this.#gathering.delete(rate);
  }

  /** A rate has one item a period, as the grid counts them: of what is sent, whether or not it arrives. */
  #checked(frame: TicksFrame): TicksFrame {
    for (const rate of frame.due) {
      const period = Math.floor((this.#ticks * GRID) / (RATE_PERIODS[rate] ?? 1));
      expect(period, rate).toBeGreaterThan(this.#lastDue.get(rate) ?? -1);
      this.#lastDue.set(rate, period);
    }
    return frame;
  }

  get #own(): LogRecord[] {
    return this.#log.filter(({ key }) => key === INSTRUMENT);
  }

  #say(frame: FeedFrame): void {
    if (this.#wire !== undefined) this.#link.onMessage(JSON.stringify(frame));
  }
}
