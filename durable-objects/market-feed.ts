/**
 * The Durable Object of a market (`upbit:*-KRW`): the newest ticker of each of its instruments, for lists. It is fed once a
 * second by one publisher per partition of the log; it holds state only, so nothing waits for it.
 */

import { DurableObject } from "cloudflare:workers";
import { ProtocolError } from "../protocol/errors.ts";
import { type LatestTicker, type MarketFrame, type MarketReply, marketFrame } from "../protocol/ingest.ts";
import { encodeIngest } from "../protocol/ingest-version.ts";
import { migrate } from "./migrate.ts";
import type { Settings } from "./settings.ts";
import { answerClose, readFrame, refuse, sendOrDrop } from "./sockets.ts";

/** A ticker and up to when (log time, ms) it is known to be the newest. */
export interface ListedTicker extends LatestTicker {
  readonly asOf: number;
}

/** What is held of one partition. */
interface PartitionTickers {
  /** The log that it follows now. A ticker of another one is only as new as itself. */
  epoch: string;
  asOf: number;
  readonly tickers: Map<string, LatestTicker>;
  /** Of tickers that something newer may have been missed of: up to when (log time, ms) they are known to be the newest. */
  readonly unconfirmed: Map<string, number>;
  lastStore: number;
  changed: boolean;
}

/** A row of storage. */
interface StoredPartition {
  readonly epoch: string;
  readonly asOf: number;
  readonly tickers: readonly LatestTicker[];
  /** {@link PartitionTickers.unconfirmed}, named as earlier versions stored it; absent in rows before that. */
  readonly doubted?: readonly (readonly [instrument: string, asOf: number])[];
}

/** Written to storage at most this often, ms: a whole partition is one row. */
const STORE_PERIOD = 30_000;

export class MarketFeed extends DurableObject<Settings> {
  readonly #partitions = new Map<string, PartitionTickers>();

  constructor(ctx: DurableObjectState, env: Settings) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS shares (partition TEXT PRIMARY KEY, body TEXT NOT NULL)");
    migrate(ctx.storage.sql, "what this market has stored", []);
    for (const row of ctx.storage.sql.exec<{ partition: string; body: string }>("SELECT * FROM shares")) {
      const { epoch, asOf, tickers, doubted } = JSON.parse(row.body) as StoredPartition;
      this.#partitions.set(row.partition, newPartition(epoch, asOf, tickers, doubted));
    }
    // What is in storage may be old: after waking, everything is asked for again.
    for (const ws of ctx.getWebSockets()) reply(ws, { op: "resend" });
  }

  /** The publisher of one partition, `?partition=3`; the Worker has checked its token. */
  override async fetch(request: Request): Promise<Response> {
    const partition = new URL(request.url).searchParams.get("partition") ?? "0";
    const [client, server] = Object.values(new WebSocketPair());
    if (client === undefined || server === undefined) throw new TypeError("a WebSocketPair has two ends");
    const before = this.ctx.getWebSockets(partition);
    this.ctx.acceptWebSocket(server, [partition]);
    server.serializeAttachment(partition);
    for (const ws of before) {
      ws.serializeAttachment(null);
      reply(ws, { op: "replaced" });
      answerClose(ws, 4000);
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const partition = ws.deserializeAttachment() as string | null;
    // One that was replaced may have had something on its way.
    if (partition === null) return;
    const frame = readFrame(marketFrame, message);
    if (frame instanceof ProtocolError) refuse(ws, frame);
    else this.#take(partition, frame);
  }

  override webSocketClose(ws: WebSocket, code: number): void {
    answerClose(ws, code);
  }

  override webSocketError(ws: WebSocket): void {
    answerClose(ws, 1011);
  }

  /** Every ticker of the market, by instrument. */
  tickers(): ListedTicker[] {
    const all = [...this.#partitions.values()].flatMap((held) =>
      [...held.tickers.values()].map((one) => listed(held, one)),
    );
    return all.sort((a, b) => (a.instrument < b.instrument ? -1 : 1));
  }

  /** One ticker; null where none is known. */
  ticker(instrument: string): ListedTicker | null {
    for (const held of this.#partitions.values()) {
      const found = held.tickers.get(instrument);
      if (found !== undefined) return listed(held, found);
    }
    return null;
  }

  #take(partition: string, frame: MarketFrame): void {
    const held = this.#partitions.get(partition) ?? newPartition(frame.epoch, 0, []);
    this.#partitions.set(partition, held);
    markUnconfirmed(held, frame);
    for (const one of frame.tickers) {
      // Another log may have another number of partitions: an instrument stands in one of them only.
      for (const other of this.#partitions.values()) if (other !== held) other.tickers.delete(one.instrument);
      held.tickers.set(one.instrument, one);
    }
    for (const instrument of frame.gone) {
      for (const { tickers, unconfirmed } of this.#partitions.values()) {
        tickers.delete(instrument);
        unconfirmed.delete(instrument);
      }
    }
    held.epoch = frame.epoch;
    held.asOf = frame.asOf;
    held.changed ||= frame.tickers.length + frame.gone.length > 0;
    const now = Date.now();
    if (!held.changed || now - held.lastStore < STORE_PERIOD) return;
    held.lastStore = now;
    held.changed = false;
    const { epoch, asOf, tickers, unconfirmed } = held;
    const stored: StoredPartition = { epoch, asOf, tickers: [...tickers.values()], doubted: [...unconfirmed] };
    const body = JSON.stringify(stored);
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO shares (partition, body) VALUES (?, ?)", partition, body);
  }
}

/**
 * What a frame does not tell is as new as the frame only if nothing lies between what was held and what the frame tells: a
 * pusher that has just begun does not know what the one before it never sent, nor an object that woke what it forgot.
 */
function markUnconfirmed(held: PartitionTickers, { epoch, from, tickers }: MarketFrame): void {
  for (const { instrument } of tickers) held.unconfirmed.delete(instrument);
  const told = new Set(tickers.map(({ instrument }) => instrument));
  for (const one of held.tickers.values()) {
    if (told.has(one.instrument)) continue;
    const { asOf } = listed(held, one);
    if (one.epoch === epoch && asOf >= from) held.unconfirmed.delete(one.instrument);
    else held.unconfirmed.set(one.instrument, asOf);
  }
}

function listed({ epoch, asOf, unconfirmed }: PartitionTickers, ticker: LatestTicker): ListedTicker {
  const known = ticker.epoch === epoch ? asOf : ticker.t.logged;
  return { ...ticker, asOf: unconfirmed.get(ticker.instrument) ?? known };
}

function newPartition(
  epoch: string,
  asOf: number,
  tickers: readonly LatestTicker[],
  unconfirmed: StoredPartition["doubted"] = [],
): PartitionTickers {
  const byInstrument = new Map(tickers.map((one) => [one.instrument, one]));
  return { epoch, asOf, tickers: byInstrument, unconfirmed: new Map(unconfirmed), lastStore: 0, changed: false };
}

function reply(ws: WebSocket, frame: MarketReply): void {
  sendOrDrop(ws, encodeIngest(frame));
}
