/** Whoever comes and goes, at whatever rate: what each listener received is the log between its positions. */

import { env, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { type Item, itemsAfter } from "../streams/item.ts";
import { STREAM_KEYS, type StreamKey, type StreamPositions } from "../streams/stream-key.ts";
import { SubscriptionIndex } from "../streams/subscription-index.ts";
import { batch, context, decoded, gap, INSTRUMENT, Receiver, ticker, trade } from "../testing/test-events.ts";
import { FeedCore, type Outgoing } from "./feed-core.ts";
import { FeedStore } from "./feed-store.ts";
import { TradeHistory } from "./trade-history.ts";

const EPOCH = "e1";

/** Comes and goes, and resumes each time where it was. */
class Visitor {
  readonly receiver = new Receiver();
  /** How many trades were in the log when it first came. */
  start: number | undefined;
  key: StreamKey | undefined;
  /** Where it resumed, if its next item must continue that. */
  from: number | undefined;

  take(items: readonly Item[]): void {
    const { from } = this;
    const fresh = from === undefined ? items : itemsAfter(items, from);
    if (fresh.length > 0) this.from = undefined;
    this.receiver.takeAll(decoded(fresh));
  }
}

/** A feed without its object, its pusher's log, and those who visit it. */
class Scene {
  readonly visitors = [new Visitor(), new Visitor(), new Visitor()];
  readonly #sql: SqlStorage;
  readonly #log: LoggedEvent[] = [];
  #index = new SubscriptionIndex<StreamKey, Visitor>();
  #core: FeedCore;
  #positions: StreamPositions = {};
  #through = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    for (const table of ["feed", "trades", "version"]) sql.exec(`DROP TABLE IF EXISTS ${table}`);
    this.#core = this.#wake();
  }

  get trades(): string[] {
    return this.#log.flatMap(({ seq, event }) => (event.type === "trade" ? [`${EPOCH}/${seq}`] : []));
  }

  /** One event in six is a gap, one in three a ticker. */
  write(kinds: readonly number[], due: readonly Rate[]): void {
    for (const kind of kinds) {
      const seq = Math.max(this.#log.at(-1)?.seq ?? 1, this.#through) + 1;
      this.#log.push(kind === 0 ? gap(seq) : kind < 3 ? ticker(seq) : trade(seq));
    }
    this.#send(due);
  }

  /** Other instruments' events pass by: up to there nothing more of this one comes. */
  pass(count: number): void {
    this.#through = Math.max(this.#log.at(-1)?.seq ?? 1, this.#through) + count;
    this.#send([]);
  }

  come(visitor: Visitor, key: StreamKey): void {
    this.leave(visitor);
    visitor.key = key;
    if (visitor.start === undefined) {
      const { receiver } = visitor;
      receiver.last = this.#core.position(key);
      visitor.start = this.trades.filter((name) => Number(name.split("/")[1]) <= receiver.last).length;
      const snapshot = this.#core.snapshot(key, context(EPOCH));
      visitor.take(snapshot === undefined ? [] : [snapshot]);
    } else {
      // A position that was heard of elsewhere: it has everything up to there if it has all that was broadcast.
      if (visitor.receiver.trades.length + visitor.start === this.trades.length) {
        visitor.receiver.last = this.#core.through;
      }
      const missed = this.#core.recover(key, visitor.receiver.last, context(EPOCH)) ?? [];
      visitor.from = undefined;
      visitor.take(missed);
      visitor.from = visitor.receiver.last === this.#core.position(key) ? undefined : visitor.receiver.last;
    }
    this.#index.add(key, visitor);
  }

  leave(visitor: Visitor): void {
    if (visitor.key !== undefined) this.#index.remove(visitor.key, visitor);
    visitor.key = undefined;
  }

  flush(due: readonly Rate[]): void {
    this.#deliver(this.#core.flush(due, context(EPOCH)));
    this.#positions = this.#core.positions;
  }

  store(): void {
    if (!this.#core.unflushed) this.#core.store();
  }

  /** The memory goes, the sockets stay; what is missing comes again. */
  hibernate(): void {
    this.#core = this.#wake();
    this.#core.restorePositions(EPOCH, this.#positions);
    this.#send([]);
  }

  #send(due: readonly Rate[]): void {
    const { seq } = this.#core;
    const fresh = this.#log.filter((logged) => logged.seq > seq);
    const { kind } = this.#core.accept(
      batch(EPOCH, seq, fresh, [], Math.max(this.#log.at(-1)?.seq ?? 0, this.#through)),
      (key) => this.#index.has(key),
    );
    this.flush(kind === "changed" ? RATES : due);
    if (kind === "changed") this.#core.store();
  }

  #deliver(outgoing: Outgoing): void {
    for (const [key, items] of outgoing) for (const one of this.#index.listeners(key)) one.take(items);
  }

  #wake(): FeedCore {
    const history = new TradeHistory(this.#sql, INSTRUMENT, { min: 1000, max: 1000, age: 1, chunk: 5 });
    return new FeedCore(INSTRUMENT, new FeedStore(this.#sql), history);
  }
}

type Step = (scene: Scene) => void;

const who = fc.nat(2);
const key = fc.constantFrom(...STREAM_KEYS.filter((one) => one.startsWith("trade")));
const due = fc.subarray<Rate>([...RATES]);
const writes: fc.Arbitrary<Step> = fc.tuple(fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }), due).map(
  ([kinds, rates]) =>
    (scene) =>
      scene.write(kinds, rates),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: writes },
  { weight: 3, arbitrary: fc.tuple(who, key).map(visit) },
  { weight: 3, arbitrary: who.map((n) => visit([n])) },
  {
    weight: 1,
    arbitrary: due.map(
      (rates): Step =>
        (scene) =>
          scene.flush(rates),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 3 }).map(
      (count): Step =>
        (scene) =>
          scene.pass(count),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((scene) => scene.store()) },
  { weight: 1, arbitrary: fc.constant<Step>((scene) => scene.hibernate()) },
);

/** Comes where a stream is given, else leaves. */
function visit([n, stream]: [number, StreamKey?]): Step {
  return (scene) => {
    const visitor = scene.visitors[n];
    if (visitor === undefined) return;
    if (stream === undefined) scene.leave(visitor);
    else scene.come(visitor, stream);
  };
}

it("gives each listener every trade between its positions, once, in order", async () => {
  await runInDurableObject(env.REGISTRY.getByName("listeners"), (_instance, state) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const scene = new Scene(state.storage.sql);
        for (const one of steps) {
          one(scene);
          for (const visitor of scene.visitors) hasNoHole(scene, visitor);
        }
        scene.flush(RATES);
        for (const visitor of scene.visitors) {
          hasNoHole(scene, visitor);
          if (visitor.key !== undefined) expect(visitor.receiver.trades).toEqual(scene.trades.slice(visitor.start));
        }
      }),
      { numRuns: 1500 },
    );
  });
});

function hasNoHole({ trades }: Scene, { start, receiver }: Visitor): void {
  if (start !== undefined) expect(receiver.trades).toEqual(trades.slice(start, start + receiver.trades.length));
}
