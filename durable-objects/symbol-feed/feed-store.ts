/** What a feed must remember when its memory goes away: one row, written together with the trades' chunks, in one version. */

import type { FeedStatus } from "../../protocol/frames.ts";
import { migrate } from "../migrate.ts";
import type { StreamPositions } from "../streams/stream-key.ts";
import { FEED_MIGRATIONS } from "./feed-migrations.ts";
import type { NewestTicker, TickerRecord } from "./newest-ticker.ts";

export interface FeedRecord {
  /** The log this feed follows; null before its first event. */
  epoch: string | null;
  /** The last event of it that is stored. */
  seq: number;
  /** Trades at or below this are not kept (any more): a position below it can't be resumed. */
  floor: number;
  /** Where this epoch began for this feed: `floor` is still here when nothing has been let go. */
  start: number;
  /** The last seq of the newest epochs, oldest first, the current one included. */
  epochs: [epoch: string, seq: number][];
  /** What each stream had broadcast. */
  positions: StreamPositions;
  ticker: TickerRecord | null;
  status: FeedStatus | null;
}

/** Kept so that going from Kafka to an in-memory log and back repeats nothing. */
const EPOCHS_KEPT = 8;

export const EMPTY_RECORD: Readonly<FeedRecord> = {
  epoch: null,
  seq: 0,
  floor: 0,
  start: 0,
  epochs: [],
  positions: {},
  ticker: null,
  status: null,
};

export class FeedStore {
  readonly #sql: SqlStorage;

  /** @throws {NewerVersionError} where newer code has written it */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS feed (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL)");
    migrate(sql, "what this feed has stored", FEED_MIGRATIONS);
  }

  load(): FeedRecord {
    const row = this.#sql.exec<{ body: string }>("SELECT body FROM feed WHERE id = 1").toArray()[0];
    return row === undefined ? structuredClone(EMPTY_RECORD) : (JSON.parse(row.body) as FeedRecord);
  }

  save(record: Omit<FeedRecord, "ticker">, ticker: NewestTicker | null): void {
    // Made around the ticker's own text, which items have needed already.
    const body = `${JSON.stringify(record).slice(0, -1)},"ticker":${ticker?.recordText ?? "null"}}`;
    this.#sql.exec("INSERT OR REPLACE INTO feed (id, body) VALUES (1, ?)", body);
  }
}

/** Notes how far the feed has come in the epoch that it follows. */
export function rememberEpoch(record: Pick<FeedRecord, "epoch" | "seq" | "epochs">): void {
  const { epoch, seq, epochs } = record;
  if (epoch === null) return;
  const others = epochs.filter(([known]) => known !== epoch);
  record.epochs = [...others, [epoch, seq] as [string, number]].slice(-EPOCHS_KEPT);
}
