/**
 * The recent trades and gaps of one instrument, in SQLite: the last ten minutes, at least 10,000 where there were as
 * many, at most 50,000. They stand in chunks rather than a row each, because rows written are the dearest meter.
 */

import type { FeedEvent } from "../streams/item.ts";
import { decodeChunk, encodeStored } from "./stored-event.ts";

export interface HistoryLimits {
  /** Kept at least, where there were as many. */
  readonly min: number;
  /** Kept at most. */
  readonly max: number;
  /** Between the two: kept for this long, ms of log time. */
  readonly age: number;
  /** Events in a full chunk. */
  readonly chunk: number;
}

export const HISTORY_LIMITS: HistoryLimits = { min: 10_000, max: 50_000, age: 600_000, chunk: 512 };

interface ChunkRow extends Record<string, SqlStorageValue> {
  first: number;
  body: string;
}

interface Chunk {
  readonly first: number;
  readonly last: number;
  readonly logged: number;
  readonly count: number;
}

export class TradeHistory {
  readonly #sql: SqlStorage;
  readonly #instrument: string;
  readonly #limits: HistoryLimits;
  /** Every chunk in the table, oldest first, without its body. */
  #chunks: Chunk[];
  /** The newest chunk's events, which grow until it is full, and after them what is not stored yet. */
  #tail: FeedEvent[];
  /** The JSON of what is stored of the tail: the chunk is written again as it grows, its events are not. */
  #texts: string[] = [];
  #stored: number;
  #count: number;

  constructor(sql: SqlStorage, instrument: string, limits: HistoryLimits = HISTORY_LIMITS) {
    this.#sql = sql;
    this.#instrument = instrument;
    this.#limits = limits;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS trades (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, logged INTEGER NOT NULL, count INTEGER NOT NULL, body TEXT NOT NULL)",
    );
    this.#chunks = sql
      .exec<Chunk & Record<string, SqlStorageValue>>("SELECT first, last, logged, count FROM trades ORDER BY first")
      .toArray();
    const open = this.#chunks.at(-1);
    this.#tail = open === undefined ? [] : this.#read("first = ?", open.first);
    this.#stored = this.#tail.length;
    this.#count = this.#chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  }

  /** The newest event, a trade or a gap. */
  get newest(): FeedEvent | undefined {
    return this.#tail.at(-1);
  }

  add(event: FeedEvent): void {
    this.#tail.push(event);
    this.#count += 1;
  }

  /** Events above `seq` in order, up to and with `until`. */
  since(seq: number, until = Number.MAX_SAFE_INTEGER): FeedEvent[] {
    const inMemory = this.#tail[0]?.seq ?? Number.MAX_SAFE_INTEGER;
    const older = seq + 1 < inMemory ? this.#read("last > ? AND first < ?", seq, inMemory) : [];
    return [...older, ...this.#tail].filter((logged) => logged.seq > seq && logged.seq <= until);
  }

  /** The newest event up to and with `seq`. */
  newestUpTo(seq: number): FeedEvent | undefined {
    const inMemory = this.#tail.findLast((logged) => logged.seq <= seq);
    return inMemory ?? this.#read("first = (SELECT MAX(first) FROM trades WHERE first <= ?)", seq).at(-1);
  }

  /** The newest `limit` trades (gaps left out) up to and with `until`, newest last. */
  newestTrades(limit: number, until = Number.MAX_SAFE_INTEGER): FeedEvent[] {
    const isTrade = ({ seq, event }: FeedEvent) => seq <= until && event.type === "trade";
    let trades = this.#tail.filter(isTrade);
    for (let i = this.#chunks.length - 1; i >= 0 && trades.length < limit; i -= 1) {
      const chunk = this.#chunks[i];
      if (chunk === undefined || chunk.first >= (this.#tail[0]?.seq ?? Number.MAX_SAFE_INTEGER)) continue;
      trades = [...this.#read("first = ?", chunk.first).filter(isTrade), ...trades];
    }
    return trades.slice(-limit);
  }

  /**
   * Writes what is new and lets go of what is too old.
   *
   * @returns the seq up to which history has been let go, or undefined when nothing has
   */
  store(): number | undefined {
    while (this.#stored < this.#tail.length) this.#storeChunk();
    return this.#expire();
  }

  /** Forgets everything: positions of another epoch mean nothing any more. */
  clear(): void {
    this.#sql.exec("DELETE FROM trades");
    this.#chunks = [];
    this.#tail = [];
    this.#texts = [];
    this.#stored = 0;
    this.#count = 0;
  }

  #storeChunk(): void {
    if (this.#stored === this.#limits.chunk) {
      // A full chunk leaves memory once something newer stands behind it: `newest` reads the tail.
      this.#tail = this.#tail.slice(this.#stored);
      this.#texts = [];
      this.#stored = 0;
    }
    const events = this.#tail.slice(0, this.#limits.chunk);
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) return;
    const chunk = { first: first.seq, last: last.seq, logged: last.logged, count: events.length };
    for (const event of events.slice(this.#texts.length)) this.#texts.push(encodeStored(event));
    this.#sql.exec(
      "INSERT OR REPLACE INTO trades (first, last, logged, count, body) VALUES (?, ?, ?, ?, ?)",
      chunk.first,
      chunk.last,
      chunk.logged,
      chunk.count,
      `[${this.#texts.join(",")}]`,
    );
    if (this.#chunks.at(-1)?.first === chunk.first) this.#chunks.pop();
    this.#chunks.push(chunk);
    this.#stored = events.length;
  }

  #expire(): number | undefined {
    const { min, max, age } = this.#limits;
    const now = this.newest?.logged ?? 0;
    let expired: number | undefined;
    for (;;) {
      const oldest = this.#chunks[0];
      if (oldest === undefined || this.#chunks.length === 1) break;
      const left = this.#count - oldest.count;
      if (this.#count <= max && (left < min || oldest.logged > now - age)) break;
      this.#sql.exec("DELETE FROM trades WHERE first = ?", oldest.first);
      this.#chunks.shift();
      this.#count = left;
      expired = oldest.last;
    }
    return expired;
  }

  #read(where: string, ...bindings: number[]): FeedEvent[] {
    return this.#sql
      .exec<ChunkRow>(`SELECT first, body FROM trades WHERE ${where} ORDER BY first`, ...bindings)
      .toArray()
      .flatMap(({ body }) => decodeChunk(this.#instrument, body));
  }
}
