/** The pusher's end of one market's list: the newest ticker of each of its instruments in one partition, once a second. */

import type WebSocket from "ws";
import { type TickerEvent, tickerOf } from "../../protocol/events.ts";
import { type LatestTicker, type MarketFrame, marketReply } from "../../protocol/ingest.ts";
import { encodeIngest, upgradeIngest } from "../../protocol/ingest-version.ts";
import type { CollectorStatus, LogRecord } from "../log/log.ts";

/** What may lie in the socket itself, bytes, before sending waits: what changes meanwhile replaces what was to be sent. */
const SOCKET_BYTES = 4 * 1024 * 1024;

interface Newest {
  readonly epoch: string;
  readonly record: LogRecord;
}

/** How far a partition has been read. */
export interface ReadSpan {
  readonly epoch: string;
  /** Log times (ms) of the first and of the last record. */
  readonly readFrom: number;
  readonly asOf: number;
}

export class MarketLink {
  readonly #newest = new Map<string, Newest>();
  #changed = new Set<string>();
  #gone = new Set<string>();
  #socket: WebSocket | undefined;
  /** The last frame; undefined where the next one tells all that is known. */
  #told: Pick<ReadSpan, "epoch" | "asOf"> | undefined;
  readonly #onReplaced: () => void;

  constructor(onReplaced: () => void) {
    this.#onReplaced = onReplaced;
  }

  /** A ticker record of the log. */
  take(epoch: string, record: LogRecord): void {
    this.#newest.set(record.key, { epoch, record });
    this.#changed.add(record.key);
    this.#gone.delete(record.key);
  }

  /** An instrument that is no longer collected: its last ticker will not be the newest for long. */
  forget(instrument: string): void {
    this.#newest.delete(instrument);
    this.#gone.add(instrument);
  }

  opened(socket: WebSocket): void {
    this.#socket = socket;
    this.#tellAll();
  }

  closed(): void {
    this.#socket = undefined;
  }

  /** @throws when the market says what no market says */
  onMessage(text: string): void {
    const { op } = marketReply.parse(upgradeIngest(JSON.parse(text)));
    if (op === "replaced") this.#onReplaced();
    else this.#tellAll();
  }

  /** Sends what has changed in this epoch, and up to when (log time, ms) that is everything. */
  send({ epoch, readFrom, asOf }: ReadSpan, { source }: Pick<CollectorStatus, "source">): void {
    if (this.#socket === undefined || this.#socket.bufferedAmount > SOCKET_BYTES) return;
    const tickers = [...this.#changed].flatMap((instrument) => {
      const newest = this.#newest.get(instrument);
      return newest === undefined ? [] : [latestTicker(newest, source)];
    });
    const gone = [...this.#gone];
    this.#changed = new Set();
    this.#gone = new Set();
    const from = this.#told?.epoch === epoch ? this.#told.asOf : readFrom;
    this.#told = { epoch, asOf };
    this.#socket.send(encodeIngest({ op: "tickers", epoch, tickers, gone, from, asOf } satisfies MarketFrame));
  }

  #tellAll(): void {
    this.#changed = new Set(this.#newest.keys());
    this.#told = undefined;
  }
}

function latestTicker({ epoch, record }: Newest, source: LatestTicker["source"]): LatestTicker {
  const event = JSON.parse(record.value) as TickerEvent;
  const t = { exchange: event.time, received: event.received, logged: record.logged };
  return { instrument: event.instrument, epoch, seq: record.offset, source, ticker: tickerOf(event), t };
}
