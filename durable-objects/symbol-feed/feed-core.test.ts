import { env, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { STREAM_KEYS, type StreamKey, type StreamPositions } from "../streams/stream-key.ts";
import { batch, context, decoded, gap, INSTRUMENT, Receiver, ticker, trade } from "../testing/test-events.ts";
import { type Accepted, FeedCore } from "./feed-core.ts";
import { FeedStore } from "./feed-store.ts";
import { TradeHistory } from "./trade-history.ts";

let objects = 0;

function withSql(run: (sql: SqlStorage) => void): Promise<void> {
  objects += 1;
  return runInDurableObject(env.REGISTRY.getByName(`core-${objects}`), (_instance, state) => run(state.storage.sql));
}

/** What a batch says beside its events. */
interface Said {
  readonly due?: readonly Rate[];
  readonly through?: number;
  readonly opens?: number;
}

/** A core and one receiver on every stream, driven as the feed drives them. */
class Feed {
  core: FeedCore;
  readonly receivers = new Map<StreamKey, Receiver>(STREAM_KEYS.map((key) => [key, new Receiver()]));
  readonly #sql: SqlStorage;
  #attachment: { epoch: string; positions: StreamPositions } | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    for (const table of ["feed", "trades", "version"]) sql.exec(`DROP TABLE IF EXISTS ${table}`);
    this.core = this.#wake();
  }

  receive(epoch: string, prev: number, events: readonly LoggedEvent[], { due = RATES, ...rest }: Said = {}): Accepted {
    if (epoch !== this.core.epoch) this.flush(RATES);
    const accepted = this.core.accept(batch(epoch, prev, events, [], rest.through, rest.opens), () => true);
    const changed = accepted.kind === "changed";
    this.flush(changed ? RATES : due);
    if (changed) this.core.store();
    return accepted;
  }

  flush(due: readonly Rate[]): void {
    const { core } = this;
    for (const [key, items] of core.flush(due, context(core.epoch ?? ""))) {
      this.receiver(key).takeAll(decoded(items));
    }
    if (core.epoch !== null) this.#attachment = { epoch: core.epoch, positions: core.positions };
  }

  store(): void {
    if (!this.core.unflushed) this.core.store();
  }

  /** The memory goes away, the sockets stay. */
  hibernate(): void {
    this.core = this.#wake();
    if (this.#attachment !== undefined) this.core.restorePositions(this.#attachment.epoch, this.#attachment.positions);
  }

  /** The publisher has left too. */
  restartStored(): void {
    this.flush(RATES);
    this.core.storePositions();
    this.core = this.#wake();
  }

  receiver(key: StreamKey): Receiver {
    const receiver = this.receivers.get(key);
    if (receiver === undefined) throw new RangeError(key);
    return receiver;
  }

  #wake(): FeedCore {
    return new FeedCore(INSTRUMENT, new FeedStore(this.#sql), new TradeHistory(this.#sql, INSTRUMENT, SMALL));
  }
}

const TRADE_KEYS = STREAM_KEYS.filter((key) => key.startsWith("trade"));
const TICKER_KEYS = STREAM_KEYS.filter((key) => key.startsWith("ticker"));
const SMALL = { min: 1000, max: 1000, age: 1, chunk: 5 };
const CHANGED = { kind: "changed" };
const APPLIED = { kind: "applied" };

it("drops what it has, and takes the rest of the batch", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    expect(feed.receive("e1", 0, [trade(2), trade(3)])).toEqual(CHANGED);
    expect(feed.receive("e1", 0, [trade(2), trade(3), trade(5)])).toEqual(APPLIED);
    expect(feed.receiver("trade@raw").trades).toEqual(["e1/2", "e1/3", "e1/5"]);
    expect(feed.core.seq).toBe(5);
  });
});

it("refuses a batch after a hole, empty ones too, and takes none of it", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(2)]);
    expect(feed.receive("e1", 4, [trade(6)])).toEqual({ kind: "hole", epoch: "e1", from: 2 });
    expect(feed.receive("e1", 6, [])).toEqual({ kind: "hole", epoch: "e1", from: 2 });
    expect(feed.receive("e1", 2, [])).toEqual(APPLIED);
    expect(feed.core.seq).toBe(2);
  });
});

it("believes what a batch says of completeness only when it has everything before it", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(2)]);
    const known = feed.core.status;
    for (const events of [[], [trade(6)]]) {
      expect(feed.receive("e1", 5, events)).toMatchObject({ kind: "hole" });
      expect(feed.core.status).toEqual(known);
    }
    feed.receive("e1", 2, [trade(6)]);
    expect(feed.core.status?.asOf).toBeGreaterThan(known?.asOf ?? 0);
  });
});

it("knows how far it is complete from its publisher alone, for one log, and only as long as its memory lasts", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    const say = (epoch: string, prev: number, events: readonly LoggedEvent[], through: number) => {
      feed.core.accept(batch(epoch, prev, events, [], through), () => false);
      return feed.core.through;
    };
    expect(say("e1", 0, [trade(300)], 310)).toBe(310);
    expect(say("e1", 300, [], 5000)).toBe(5000);
    // A hole says nothing; neither does a publisher that is behind.
    expect(say("e1", 400, [], 6000)).toBe(5000);
    expect(say("e1", 300, [], 4000)).toBe(5000);
    feed.core.store();
    feed.hibernate();
    expect(feed.core.through).toBe(300);
    expect(say("e2", 0, [trade(2)], 2)).toBe(2);
  });
});

it("goes on with a snapshot in a new epoch, and a gap after it on trade", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(5), ticker(6)]);
    expect(feed.receive("e2", 0, [trade(2), ticker(3)])).toEqual(CHANGED);
    const log = feed.receiver("trade@100ms");
    expect([log.trades, log.gaps, log.last]).toEqual([["e1/5", "e2/2"], ["e2/1"], 2]);
    expect(feed.receiver("ticker@raw").tickers).toEqual(["e1/6", "e2/3"]);
    expect(feed.core.storedSeq).toBe(3);
  });
});

describe("of a log without an event of this instrument yet", () => {
  it("tells its listeners at once, at the markers' own offsets", async () => {
    await withSql((sql) => {
      const feed = new Feed(sql);
      feed.receive("e1", 0, [trade(5), ticker(6)]);
      expect(feed.receive("e2", 0, [], { through: 40 })).toEqual(CHANGED);
      const log = feed.receiver("trade@100ms");
      expect([log.epoch, log.gaps, log.last]).toEqual(["e2", ["e2/1"], 1]);
      expect([feed.core.epoch, feed.core.storedSeq, feed.core.through]).toEqual(["e2", 1, 40]);
      expect([0, 1, 2, 40].map((seq) => feed.core.canRecover(seq))).toEqual([true, true, true, true]);
      feed.hibernate();
      expect(feed.receive("e2", 0, [trade(41), ticker(42)])).toEqual(APPLIED);
      expect([log.trades, log.last]).toEqual([["e1/5", "e2/41"], 41]);
      expect(feed.receiver("ticker@raw").tickers).toEqual(["e1/6", "e2/42"]);
    });
  });

  it("stands, in a log that goes on, at what is known of it and where it was taken over", async () => {
    await withSql((sql) => {
      const feed = new Feed(sql);
      feed.receive("e1", 0, [trade(100)]);
      feed.receive("e2", 0, [trade(2)]);
      expect(feed.receive("e1", 0, [], { through: 130, opens: 120 })).toEqual(CHANGED);
      const items = decoded(feed.core.recover("trade@raw", 100, context("e1")) ?? []);
      expect(items.map(({ prev, seq, gap: one }) => [prev, seq, one?.cause])).toEqual([[100, 120, "epoch_changed"]]);
      feed.receive("e1", 0, [trade(100), trade(131)]);
      expect(feed.receiver("trade@raw").trades).toEqual(["e1/100", "e2/2", "e1/131"]);
    });
  });

  it("takes the place of what is known where nothing more has been read", async () => {
    await withSql((sql) => {
      const feed = new Feed(sql);
      feed.receive("e1", 0, [trade(100)]);
      feed.receive("e2", 0, [trade(2)]);
      feed.receive("e1", 0, [], { through: 60, opens: 50 });
      feed.receive("e1", 0, [trade(100), trade(101)]);
      const { trades, gaps } = feed.receiver("trade@raw");
      expect([trades, gaps]).toEqual([
        ["e1/100", "e2/2", "e1/101"],
        ["e2/1", "e1/100"],
      ]);
    });
  });

  it("begins for a feed that followed none, which can then be resumed from what was read", async () => {
    await withSql((sql) => {
      const feed = new Feed(sql);
      feed.receive("e1", 0, [], { through: 5000, opens: 4000 });
      expect([feed.core.epoch, feed.core.seq, feed.core.through]).toEqual(["e1", 0, 5000]);
      expect([0, 3999, 4000, 5000].map((seq) => feed.core.canRecover(seq))).toEqual([true, false, true, true]);
      expect(feed.receiver("trade@raw").gaps).toEqual([]);
    });
  });

  it("is not vouched for before the position that its publisher names, where something was lost", async () => {
    await withSql((sql) => {
      const feed = new Feed(sql);
      feed.receive("e1", 0, [trade(5)]);
      feed.receive("e2", 700, [trade(705)], { opens: 600 });
      const log = feed.receiver("trade@raw");
      expect([log.trades, log.gaps]).toEqual([["e1/5", "e2/705"], ["e2/701"]]);
      expect([0, 699, 700, 701].map((seq) => feed.core.canRecover(seq))).toEqual([false, false, true, true]);
    });
  });
});

it("keeps the old epoch with the old ticker until the new log has one", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [ticker(5000)]);
    feed.receive("e2", 0, [trade(2)]);
    expect(feed.core.latest()).toMatchObject({ epoch: "e1", seq: 5000 });
    expect(feed.core.snapshot("ticker@raw", context("e2"))).toBeUndefined();
    feed.hibernate();
    expect(feed.core.latest()).toMatchObject({ epoch: "e1", seq: 5000 });
  });
});

it("repeats nothing when it goes back to an epoch that it remembers", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(2), trade(3)]);
    feed.receive("e2", 0, [trade(2)]);
    expect(feed.receive("e1", 5, [trade(6)])).toEqual({ kind: "hole", epoch: "e1", from: 3 });
    expect(feed.core.epoch).toBe("e2");
    expect(feed.receive("e1", 0, [trade(2), trade(3), trade(5)])).toEqual(CHANGED);
    expect(feed.receive("e1", 0, [trade(2), trade(3), trade(5), trade(6)])).toEqual(APPLIED);
    const { trades, gaps } = feed.receiver("trade@raw");
    expect([trades, gaps]).toEqual([
      ["e1/2", "e1/3", "e2/2", "e1/5", "e1/6"],
      ["e2/1", "e1/4"],
    ]);
  });
});

it("remembers eight epochs", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    for (let i = 1; i <= 9; i += 1) feed.receive(`e${i}`, 0, [trade(2)]);
    feed.hibernate();
    const told = () => feed.receiver("trade@raw").trades.splice(0);
    told();
    feed.receive("e2", 0, [trade(2)]);
    expect(told()).toEqual([]);
    feed.receive("e1", 0, [trade(2)]);
    expect(told()).toEqual(["e1/2"]);
  });
});

it("knows from where it can recover", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(11), trade(12)], { opens: 10 });
    expect([9, 10, 12].map((seq) => feed.core.canRecover(seq))).toEqual([false, true, true]);
    for (let seq = 13; seq < 1030; seq += 1) feed.receive("e1", seq - 1, [trade(seq)]);
    feed.store();
    expect([10, 29, 30].map((seq) => feed.core.canRecover(seq))).toEqual([false, false, true]);
  });
});

it("asks for what was broadcast but not stored, also when a new publisher comes to it", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(2)]);
    feed.receive("e1", 2, [trade(3), ticker(4)]);
    feed.hibernate();
    expect([feed.core.seq, feed.core.caughtUp]).toEqual([2, false]);
    feed.restartStored();
    expect([feed.core.seq, feed.core.caughtUp]).toEqual([2, false]);
    feed.receive("e1", 2, [trade(3), ticker(4), trade(5)]);
    expect(feed.core.caughtUp).toBe(true);
    expect(feed.receiver("trade@100ms").trades).toEqual(["e1/2", "e1/3", "e1/5"]);
    expect(feed.core.newestTrades(9).map(({ seq }) => seq)).toEqual([2, 3, 5]);
  });
});

it("lets a stream that storage does not know yet go on from what a newcomer to it is shown", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(2), ticker(3), trade(4)]);
    feed.restartStored();
    const store = new FeedStore(sql);
    const { positions, ...record } = store.load();
    // As stored before there was the rate.
    const known = Object.fromEntries(Object.entries(positions).filter(([key]) => !key.endsWith("@1s")));
    store.save({ ...record, positions: known });
    feed.hibernate();
    for (const key of ["ticker@1s", "trade@1s"] as const) {
      const snapshot = feed.core.snapshot(key, context("e1"));
      const newcomer = new Receiver();
      newcomer.takeAll(snapshot === undefined ? [] : decoded([snapshot]));
      feed.core.accept(batch("e1", 4, [ticker(5), trade(6)]), () => true);
      newcomer.takeAll(decoded(feed.core.flush(RATES, context("e1")).get(key) ?? []));
      expect([newcomer.tickers, newcomer.trades]).toEqual(
        key === "ticker@1s" ? [["e1/3", "e1/5"], []] : [[], ["e1/6"]],
      );
      feed.hibernate();
    }
  });
});

it("splits a long recovery", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [trade(2)]);
    feed.receive(
      "e1",
      2,
      Array.from({ length: 900 }, (_, i) => trade(i + 3)),
    );
    const items = decoded(feed.core.recover("trade@100ms", 2, context("e1")) ?? []);
    expect(items.map(({ prev, seq, n }) => [prev, seq, n])).toEqual([
      [2, 502, 500],
      [502, 902, 400],
    ]);
  });
});

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
  readonly feed: Feed;
  readonly logs = new Map<string, LoggedEvent[]>();
  readonly told: string[] = [];
  readonly #next = new Map<string, number>();
  newestTicker: string | undefined;
  epoch = "e0";
  /** Where the log was taken over last. */
  #opens = 1;

  constructor(feed: Feed) {
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
        const feed = new Feed(sql);
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

function resumesAnywhere({ core }: Feed, { log, epoch }: Pusher): void {
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

it("can be resumed from 0, which is what a client had while nothing was known, until history has been let go", async () => {
  await withSql((sql) => {
    const feed = new Feed(sql);
    feed.receive("e1", 0, [ticker(5), trade(6)], { opens: 4 });
    feed.store();
    expect([0, 3, 4].map((seq) => feed.core.canRecover(seq))).toEqual([true, false, true]);
    for (let seq = 7; seq < 2000; seq += 1) {
      feed.receive("e1", seq - 1, [trade(seq)]);
      feed.store();
    }
    expect(feed.core.canRecover(0)).toBe(false);
  });
});
