/** The promise of an unbroken chain, searched for faults at random: whatever a pusher and the platform do to a feed. */

import fc from "fast-check";
import { expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { STREAM_KEYS } from "../streams/stream-key.ts";
import { context, decoded, gap, Receiver, ticker, trade } from "../testing/test-events.ts";
import { TestFeedCore } from "../testing/test-feed-core.ts";
import { withSql } from "../testing/with-sql.ts";

const TRADE_KEYS = STREAM_KEYS.filter((key) => key.startsWith("trade"));
const TICKER_KEYS = STREAM_KEYS.filter((key) => key.startsWith("ticker"));

type Step =
  | { do: "batch"; kinds: number[]; due: Rate[] }
  | { do: "hole"; kinds: number[] }
  | { do: "resend"; back: number }
  | { do: "epoch"; to: number; kinds: number[]; markers: number }
  | { do: "store" | "hibernate" | "restart" | "due" };

const kinds = fc.array(fc.nat(5), { minLength: 1, maxLength: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("batch" as const), kinds, due: fc.subarray<Rate>([...RATES]) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hole" as const), kinds }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("resend" as const), back: fc.nat(8) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("epoch" as const),
      to: fc.nat(3),
      kinds: fc.array(fc.nat(5), { maxLength: 2 }),
      markers: fc.nat(2),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("store" as const, "hibernate", "restart", "due") }) },
);

/** What a pusher holds: the logs, and how much of the current one it has sent. */
class Pusher {
  readonly feed: TestFeedCore;
  readonly logs = new Map<string, LoggedEvent[]>();
  readonly told: string[] = [];
  readonly #next = new Map<string, number>();
  newestTicker: string | undefined;
  epoch = "e0";
  /** Where the log was taken over last. */
  #opens = 1;

  constructor(feed: TestFeedCore) {
    this.feed = feed;
  }

  get log(): LoggedEvent[] {
    const log = this.logs.get(this.epoch) ?? [];
    this.logs.set(this.epoch, log);
    return log;
  }

  get last(): number {
    return this.log.at(-1)?.seq ?? 0;
  }

  /** The next position of the log: it opens, and goes on, with markers. */
  get next(): number {
    return this.#next.get(this.epoch) ?? 2;
  }

  set next(next: number) {
    this.#next.set(this.epoch, next);
  }

  /** New events: one in six is a gap, one in three a ticker. */
  write(which: readonly number[]): void {
    for (const kind of which) {
      const seq = this.next;
      this.log.push(kind === 0 ? gap(seq) : kind < 3 ? ticker(seq) : trade(seq));
      this.next = seq + (kind === 5 ? 2 : 1);
      const position = `${this.epoch}/${seq}`;
      if (kind > 2) this.told.push(position);
      else if (kind > 0) this.newestTicker = position;
    }
  }

  send(prev: number, due: readonly Rate[]): void {
    const events = this.log.filter(({ seq }) => seq > prev);
    const said = { due, through: Math.max(prev, this.next - 1), opens: this.#opens };
    const accepted = this.feed.receive(this.epoch, prev, events, said);
    if (accepted.kind === "hole") this.send(accepted.from, RATES);
  }

  /** As a pusher answers `ready` or `resend`. */
  catchUp(): void {
    const { epoch, seq } = this.feed.core;
    this.send(epoch === this.epoch ? seq : 0, RATES);
  }

  take(step: Step): void {
    const { feed } = this;
    const before = this.last;
    switch (step.do) {
      case "batch":
        this.write(step.kinds);
        this.send(before, step.due);
        break;
      case "hole":
        this.write(step.kinds);
        // What a log begins with can't be lost on a socket that stays.
        this.send(feed.core.epoch === this.epoch ? this.last : 0, []);
        break;
      case "resend":
        this.send(feed.core.epoch === this.epoch ? (this.log.at(-step.back - 1)?.seq ?? 0) : 0, []);
        break;
      case "epoch":
        if (`e${step.to}` === this.epoch) break;
        this.epoch = `e${step.to}`;
        if (this.#next.has(this.epoch)) this.next += step.markers;
        this.#opens = this.next - 1;
        this.write(step.kinds);
        this.catchUp();
        break;
      case "due":
        this.send(feed.core.epoch === this.epoch ? this.last : 0, RATES);
        break;
      case "store":
        feed.store();
        break;
      case "hibernate":
        feed.hibernate();
        this.catchUp();
        break;
      case "restart":
        feed.restartStored();
        this.catchUp();
        break;
    }
  }
}

it("sends every trade exactly once in order on an unbroken chain, whatever comes between", async () => {
  await withSql((sql) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const feed = new TestFeedCore(sql);
        const pusher = new Pusher(feed);
        for (const one of steps) pusher.take(one);
        pusher.catchUp();
        feed.flush(RATES);
        for (const key of TRADE_KEYS) {
          expect(feed.receiver(key).trades).toEqual(pusher.told);
        }
        for (const key of TICKER_KEYS) {
          expect(feed.receiver(key).tickers.at(-1)).toBe(pusher.newestTicker);
        }
        resumesAnywhere(feed, pusher);
      }),
      { numRuns: 1000 },
    );
  });
});

function resumesAnywhere({ core }: TestFeedCore, { log, epoch }: Pusher): void {
  if (core.epoch !== epoch) return;
  for (const { seq: from } of log) {
    if (!core.canRecover(from)) continue;
    for (const key of TRADE_KEYS) {
      const receiver = new Receiver({ epoch, seq: from });
      receiver.takeAll(decoded(core.recover(key, from, context(epoch)) ?? []));
      const expected = log.filter(({ seq, event }) => seq > from && event.type === "trade");
      expect(receiver.trades).toEqual(expected.map(({ seq }) => `${epoch}/${seq}`));
    }
  }
}
