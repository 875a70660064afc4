/** A feed's core without its object: for tests of what it makes of batches, and of what it stores. */

import type { LoggedEvent } from "../../protocol/ingest.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { STREAM_KEYS, type StreamKey, type StreamPositions } from "../streams/stream-key.ts";
import { type Accepted, FeedCore } from "../symbol-feed/feed-core.ts";
import { FeedStore } from "../symbol-feed/feed-store.ts";
import { TradeHistory } from "../symbol-feed/trade-history.ts";
import { batch, context, decoded, INSTRUMENT, Receiver } from "./test-events.ts";

/** Limits of a history that soon lets go, and whose chunks are soon full. */
const SMALL = { min: 1000, max: 1000, age: 1, chunk: 5 };

/** What a batch says beside its events. */
interface Said {
  readonly due?: readonly Rate[];
  readonly through?: number;
  readonly opens?: number;
}

/** A core and one receiver on every stream, driven as the feed drives them. */
export class TestFeedCore {
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
