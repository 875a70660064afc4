/** All that stands between the log and a partition's lists, each part of which a test can have fail, and what must hold of it. */

import { expect } from "vitest";
import { PartitionCore } from "../../../durable-objects/partition-feed/partition-core.ts";
import type { LatestTicker } from "../../../protocol/ingest.ts";
import { type PartitionFrame, partitionFrame } from "../../../protocol/partition-frames.ts";
import type { Rate } from "../../../protocol/stream.ts";
import type { LogRecord } from "../../log/log.ts";
import { EdgeTotals } from "../edge-totals.ts";
import { dueOn, GRID } from "../grid.ts";
import { NewestTickers } from "../newest-tickers.ts";
import { PartitionLink } from "../partition-link.ts";
import { EventRing } from "../ring.ts";
import { RingMemory } from "../ring-memory.ts";
import { Wire } from "./wire.ts";

const INSTRUMENTS = ["upbit:A-KRW", "upbit:B-KRW", "upbit:C-KRW", "upbit:D-KRW"] as const;
const STATUS = '{"state":"live","source":"simulated","since":1}';
/** Room for some twenty events: rings fall short of what a feed lacks. */
const RING_BYTES = 6000;

interface Written {
  readonly epoch: string;
  readonly record: LogRecord;
}

/** A pusher, as far as it has read. */
class Pusher {
  readonly ring: EventRing;
  readonly newest = new NewestTickers();
  readonly link: PartitionLink;
  epoch: string | undefined;
  asOf = 0;
  next: number;

  /** @param next index in the log of the first record that it reads */
  constructor(next: number) {
    this.next = next;
    this.ring = new EventRing(new RingMemory(RING_BYTES));
    const view = () =>
      this.epoch === undefined
        ? undefined
        : { epoch: this.epoch, asOf: this.asOf, status: STATUS, source: "simulated" as const };
    const counted = new EdgeTotals("upbit").source("partition_feed");
    this.link = new PartitionLink({ ring: this.ring, newest: this.newest, view, counted, onReplaced: () => undefined });
  }

  read({ epoch, record }: Written, now: number): void {
    if (epoch !== this.epoch) {
      this.link.onEpochEnds(now);
      this.epoch = epoch;
      this.ring.begin(record.offset - 1);
      this.newest.begin(epoch, record.offset - 1);
    }
    if (record.type === "ticker") this.newest.take(record);
    if (record.type === "status") this.ring.reach(record.offset, record.logged);
    else this.ring.append(record);
    this.asOf = record.logged;
  }
}

/** A log, a pusher that reads it, and the partition's feed; what is sent is on its way until the feed takes it. */
export class PartitionWorld {
  readonly log: Written[] = [];
  #pusher = new Pusher(0);
  #core = new PartitionCore();
  #wire: Wire<PartitionFrame> | undefined;
  #rates: readonly Rate[] = [];
  #now = 1_000_000;
  #ticks = 0;
  #epochs = 0;
  #offset = 1;
  #logged = 1000;
  /** Complete lists and batches taken. */
  #updates = 0;
  /** Index in the log of what was listed last, by epoch and instrument. */
  readonly #shown = new Map<string, number>();

  write(type: "ticker" | "trade" | "status", which: number): void {
    this.#offset += 1 + (which % 2);
    this.#logged += 7;
    const key = type === "status" ? "status" : (INSTRUMENTS[which % INSTRUMENTS.length] ?? "");
    const value = JSON.stringify({ type, instrument: key, price: `${this.#offset}`, time: 1, received: 1 });
    const origin = { kind: type === "status" ? "status" : "event", incarnation: "e", term: 1 } as const;
    const record: LogRecord = { offset: this.#offset, logged: this.#logged, key, value, type, origin };
    this.log.push({ epoch: `e${this.#epochs}-0`, record });
  }

  newEpoch(): void {
    this.#epochs += 1;
    this.#offset = 1;
  }

  read(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const written = this.log[this.#pusher.next];
      if (written === undefined) break;
      this.#pusher.next += 1;
      this.#pusher.read(written, this.#now);
    }
    this.#pusher.link.onRead(this.#now);
  }

  tick(): void {
    this.#now += GRID;
    this.#ticks += 1;
    this.#pusher.link.onGrid(this.#now, dueOn(this.#ticks));
  }

  connect(): void {
    this.cut();
    this.#wire = new Wire((frame) => partitionFrame.parse(frame));
    this.#pusher.link.opened(this.#wire.socket);
    this.#core.forgetPages();
    this.#introduce();
  }

  cut(): void {
    this.#wire = undefined;
    this.#pusher.link.closed();
  }

  wedge(full: boolean): void {
    if (this.#wire !== undefined) this.#wire.bufferedAmount = full ? 1e9 : 0;
  }

  want(rates: readonly Rate[]): void {
    this.#rates = rates;
    this.#say({ op: "cadence", rates });
  }

  ask(): void {
    this.#say({ op: "read" });
  }

  /** The object's memory goes, its socket does not. */
  forget(): void {
    this.#core = new PartitionCore();
    this.#shown.clear();
    if (this.#wire !== undefined) this.#introduce();
  }

  /** A batch that should be there is not, by whatever fault. */
  lose(): void {
    const batch = this.#wire?.sent.findIndex(({ op }) => op === "batch") ?? -1;
    if (batch >= 0) this.#wire?.sent.splice(batch, 1);
  }

  /** Another pusher goes on from what is committed, and knows nothing of what was before; of another log there is nothing left. */
  restart(back: number): void {
    this.cut();
    const begun = this.log.findIndex(({ epoch }) => epoch === this.log.at(-1)?.epoch);
    this.#pusher = new Pusher(Math.max(0, begun, this.#pusher.next - back));
  }

  /** An instrument's own feed is asked: it has stored what some pusher had read at some time. */
  check(which: number, back: number): void {
    const instrument = INSTRUMENTS[which % INSTRUMENTS.length] ?? "";
    const stored = this.log.slice(0, Math.max(0, this.#pusher.next - back));
    const newest = stored.findLast(({ record }) => record.type === "ticker" && record.key === instrument);
    const latest = newest === undefined ? null : latestOf(newest);
    this.#core.takeChecked(instrument, latest, this.#now);
    // It may be ahead in another log; what is on its way of this one then counts all the same.
    if (latest?.epoch !== this.#core.position?.epoch) this.#shown.clear();
  }

  /** The feed takes some of what is on its way. */
  take(count: number): void {
    for (const frame of this.#wire?.take(count) ?? []) this.#takeFrame(frame);
  }

  #takeFrame(frame: PartitionFrame): void {
    const before = this.#core.position;
    if (frame.op === "tickers") {
      if (this.#core.takeList(frame)) this.#updates += 1;
    } else if (frame.op === "batch") {
      const taken = this.#core.takeBatch(frame);
      if (taken.kind === "hole") this.#say({ op: "resend", epoch: taken.epoch, from: taken.from });
      else if (taken.kind === "unknown") this.#introduce();
      else {
        this.#updates += 1;
        const after = this.#core.position;
        const between = this.log.filter(
          ({ epoch, record: { type, offset } }) =>
            epoch === after?.epoch && type !== "status" && offset > (before?.seq ?? 0) && offset <= after.seq,
        );
        expect(taken.events.map(({ seq }) => seq)).toEqual(between.map(({ record }) => record.offset));
      }
    }
    const after = this.#core.position;
    if (before !== null && before.epoch === after?.epoch) expect(after.seq).toBeGreaterThanOrEqual(before.seq);
    this.#expectHonest();
  }

  /** Nothing that is listed is called newer than the log shows, nor is it older than what was listed before of the log that the feed is in. */
  #expectHonest(): void {
    for (const instrument of INSTRUMENTS) {
      const listed = this.#core.ticker(instrument);
      if (listed === undefined) continue;
      const isTicker = ({ record }: Written) => record.type === "ticker" && record.key === instrument;
      const newest = this.log.findLastIndex((one) => isTicker(one) && one.record.logged <= listed.asOf);
      const shown = this.log.findIndex(({ epoch, record }) => epoch === listed.epoch && record.offset === listed.seq);
      expect(shown).toBeGreaterThanOrEqual(Math.max(newest, this.#shown.get(`${listed.epoch}/${instrument}`) ?? 0));
      if (listed.epoch === this.#core.position?.epoch) this.#shown.set(`${listed.epoch}/${instrument}`, shown);
    }
  }

  #newest(instrument: string): [string, number] | undefined {
    const found = this.log.findLast(({ record }) => record.type === "ticker" && record.key === instrument);
    return found === undefined ? undefined : [found.epoch, found.record.offset];
  }

  /** All is well again: the pusher has read everything, and it is connected. A list then shows what the log has. */
  expectRight(): void {
    this.wedge(false);
    if (this.#wire === undefined) this.connect();
    // The collector writes one every second.
    this.write("status", 0);
    this.read(this.log.length);
    const before = this.#updates;
    for (let i = 0; i < 30 && (this.#updates === before || (this.#wire?.sent.length ?? 0) > 0); i += 1) {
      this.ask();
      this.tick();
      this.take(1000);
    }
    expect(this.#updates).toBeGreaterThan(before);
    for (const [which, instrument] of INSTRUMENTS.entries()) {
      if (this.#core.uncertain([instrument], this.#now + 100_000, this.#now + 100_000).length > 0) this.check(which, 0);
    }
    for (const instrument of INSTRUMENTS) {
      const listed = this.#core.ticker(instrument);
      const newest = this.#newest(instrument);
      expect(listed === undefined ? undefined : [listed.epoch, listed.seq]).toEqual(newest);
    }
    this.#expectHonest();
  }

  #introduce(): void {
    const position = this.#core.position;
    const [epoch, through] = [position?.epoch ?? null, position?.seq ?? 0];
    this.#say({ op: "ready", epoch, through, rates: this.#rates });
  }

  #say(frame: object): void {
    if (this.#wire !== undefined) this.#pusher.link.onMessage(JSON.stringify(frame));
  }
}

function latestOf({ epoch, record }: Written): LatestTicker {
  const t = { exchange: 1, received: 1, logged: record.logged };
  // Of the figures nothing here depends.
  return {
    instrument: record.key,
    epoch,
    seq: record.offset,
    source: "simulated",
    ticker: JSON.parse(record.value),
    t,
  };
}
