/** Answers `subscribe` and `unsubscribe` on the sockets of one instrument: once each, with what worked and what failed. */

import { errorBody, ProtocolError } from "../../protocol/errors.ts";
import {
  type FailedStream,
  type RequestId,
  type SubscribedStream,
  type WantedStream,
  wantedPosition,
} from "../../protocol/frames.ts";
import { CHANNEL_KINDS, parseStream, type Stream } from "../../protocol/stream.ts";
import type { PendingRequests } from "../pending-requests.ts";
import { dataFrame, type Item, type ItemContext } from "../streams/item.ts";
import { type StreamKey, streamKey } from "../streams/stream-key.ts";
import type { ClientSockets } from "./client-sockets.ts";
import type { FeedCore } from "./feed-core.ts";

/** A stream of this feed that was asked for in good form. */
interface Wanted {
  /** Under which names: `…@trade` and `…@trade@100ms` are one stream. */
  readonly requested: readonly string[];
  readonly stream: Stream;
  readonly key: StreamKey;
  /** Where to resume; null for a new subscription. */
  readonly from: { readonly epoch: string; readonly seq: number } | null;
}

/** A position ahead of the feed is waited for this long, ms (PROTOCOL.md §5). */
const CATCH_UP_PATIENCE = 5000;
/** An idle feed's pusher answers well within this, ms; when it doesn't, the stored state must do. */
const FLUSH_PATIENCE = 500;

/** A long recovery is sent in frames of this many items. */
const FRAME_ITEMS = 1000;

export interface SubscriptionParts {
  readonly core: FeedCore;
  readonly clients: ClientSockets;
  readonly waiting: PendingRequests;
  /**
   * Asks the pusher for what an idle feed has not been sent yet, or with `ahead` how far any feed is complete; the result says
   * whether it has come.
   */
  readonly refresh: (ahead: boolean) => () => boolean;
  readonly context: () => ItemContext;
  /** After the set of streams that are listened to may have changed. */
  readonly changed: () => void;
  /** Tells what answering has cost: so many missed trades and gaps were sent again. */
  readonly recovered: (ws: WebSocket, events: number) => void;
  /** Sends the newcomer the status of its exchange. */
  readonly sendStatus: (ws: WebSocket) => void;
}

export class Subscriptions {
  readonly #parts: SubscriptionParts;
  /** What a client asked while an earlier request of its own still waits: the later one must have the last word. */
  readonly #queues = new Map<WebSocket, (() => void)[]>();

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
  }

  /** @param id the request's; streams given in the URL have none */
  subscribe(ws: WebSocket, id: RequestId | undefined, streams: readonly WantedStream[]): void {
    const failed: FailedStream[] = [];
    const byKey = new Map<StreamKey, Wanted>();
    for (const wanted of streams) {
      const requested = typeof wanted === "string" ? wanted : wanted.stream;
      try {
        const parsed = this.#parse(requested, wanted);
        const names = byKey.get(parsed.key)?.requested ?? [];
        byKey.set(parsed.key, { ...parsed, requested: [...new Set([...names, requested])] });
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        failed.push({ requested, error: error.body });
      }
    }
    const wanted = [...byKey.values()];
    const { waiting, refresh } = this.#parts;
    const behind = () => wanted.some((one) => this.#isBehind(one));
    this.#inOrder(ws, (done) => {
      const answer = () => {
        this.#orDismiss(ws, () => this.#answer(ws, id, wanted, failed));
        done();
      };
      // Two waits: a pusher that does not answer holds up only those who need what it has.
      waiting.enter(refresh(behind()), FLUSH_PATIENCE, () =>
        waiting.enter(() => !behind(), CATCH_UP_PATIENCE - FLUSH_PATIENCE, answer),
      );
    });
  }

  unsubscribe(ws: WebSocket, id: RequestId | undefined, streams: readonly string[]): void {
    this.#inOrder(ws, (done) => {
      this.#orDismiss(ws, () => this.#unsubscribe(ws, id, streams));
      done();
    });
  }

  /** An answer that fails, a bug of ours, costs the client that asked its connection, and nobody else anything. */
  #orDismiss(ws: WebSocket, answer: () => void): void {
    try {
      answer();
    } catch (error) {
      console.error(`${this.#parts.core.instrument}: a client could not be answered:`, error);
      this.#parts.clients.pool.dismiss(
        ws,
        new ProtocolError("internal", "this request could not be answered: reconnect"),
      );
      this.#parts.changed();
    }
  }

  /** Does one request of a client after the other. */
  #inOrder(ws: WebSocket, request: (done: () => void) => void): void {
    const queue = this.#queues.get(ws);
    if (queue !== undefined) {
      queue.push(() => request(() => this.#next(ws)));
      return;
    }
    this.#queues.set(ws, []);
    request(() => this.#next(ws));
  }

  #next(ws: WebSocket): void {
    const next = this.#queues.get(ws)?.shift();
    if (next === undefined) this.#queues.delete(ws);
    else next();
  }

  #unsubscribe(ws: WebSocket, id: RequestId | undefined, streams: readonly string[]): void {
    if (!this.#parts.clients.pool.has(ws)) return;
    const gone = streams.flatMap((name) => {
      try {
        const { stream, key } = this.#parse(name, name);
        return this.#parts.clients.unsubscribe(ws, key) ? [stream.name] : [];
      } catch (error) {
        // A name that is no stream was not subscribed either: the answer lists what is gone.
        if (error instanceof ProtocolError) return [];
        throw error;
      }
    });
    this.#parts.clients.pool.answer(ws, { op: "unsubscribed", ...(id === undefined ? {} : { id }), streams: gone });
    this.#parts.changed();
  }

  #parse(requested: string, wanted: WantedStream): Wanted {
    const stream = parseStream(requested);
    const { instrument } = this.#parts.core;
    if (stream.instrument.name !== instrument) {
      throw new ProtocolError(
        "unknown_stream",
        `this socket carries ${instrument} only, not ${stream.instrument.name}`,
      );
    }
    const key = streamKey(stream.channel, stream.rate);
    if (typeof wanted === "string" || (wanted.epoch === undefined && wanted.seq === undefined)) {
      return { requested: [requested], stream, key, from: null };
    }
    const from = wantedPosition.safeParse(wanted);
    if (from.success) return { requested: [requested], stream, key, from: from.data };
    throw new ProtocolError(
      "bad_request",
      "a position has an epoch (text) and a seq (a whole number from 0, below 2^53)",
    );
  }

  /** Whether an answer now would show less than what the client, or the stream's other listeners, have already seen. */
  #isBehind({ from, stream }: Wanted): boolean {
    const { core } = this.#parts;
    if (!core.caughtUp) return true;
    if (from === null || !isLog(stream)) return false;
    return core.epoch === null || (from.epoch === core.epoch && from.seq > core.through);
  }

  #answer(ws: WebSocket, id: RequestId | undefined, wanted: readonly Wanted[], failed: readonly FailedStream[]): void {
    if (!this.#parts.clients.pool.has(ws)) return;
    const late = wanted.filter((one) => this.#isBehind(one));
    const inTime = wanted.filter((one) => !late.includes(one));
    const restarting = errorBody("restarting", "the feed has not caught up with that position yet: try again");
    const lateNames = late.flatMap(({ requested }) => requested);
    const failures = [...failed, ...lateNames.map((requested) => ({ requested, error: restarting }))];
    const answers = inTime.map((one) => this.#start(ws, one));
    this.#parts.clients.pool.answer(ws, {
      op: "subscribed",
      ...(id === undefined ? {} : { id }),
      streams: answers.flatMap(({ subscribed }) => subscribed),
      failed: failures,
    });
    const items = answers.flatMap(({ items }) => items);
    const { pool, counters } = this.#parts.clients;
    if (pool.sendAtOnce(ws, dataFrames(items))) counters.items += items.length;
    const missed = items.filter(({ snapshot }) => !snapshot);
    this.#parts.recovered(
      ws,
      missed.reduce((sum, { size }) => sum + size, 0),
    );
    this.#parts.sendStatus(ws);
    this.#parts.changed();
  }

  /**
   * Adds the client to the stream and says from where it goes on: a newcomer starts where the stream was flushed last, so
   * that for those who are there nothing changes.
   */
  #start(ws: WebSocket, wanted: Wanted): { subscribed: SubscribedStream[]; items: Item[] } {
    const { core, clients, context } = this.#parts;
    const { requested, stream, key, from } = wanted;
    const position = { stream: stream.name, ...(core.epoch === null ? {} : { epoch: core.epoch }) };
    const answer = (rest: Pick<SubscribedStream, "seq" | "recovered" | "reason">) =>
      requested.map((name): SubscribedStream => ({ requested: name, ...position, ...rest }));
    const reason = from === null || !isLog(stream) ? undefined : this.#whyNot(from);
    const missed = from === null || reason !== undefined ? undefined : core.recover(key, from.seq, context());
    clients.counters.resumed(from === null ? "began_anew" : (reason ?? "recovered"));
    if (from !== null && missed !== undefined) {
      const reached = missed.at(-1)?.seq ?? from.seq;
      clients.subscribe(ws, key, reached === core.position(key) ? undefined : reached);
      return { subscribed: answer({ seq: from.seq, recovered: true }), items: missed };
    }
    clients.subscribe(ws, key);
    const snapshot = core.snapshot(key, context());
    const recovery = from === null ? {} : reason === undefined ? { recovered: true } : { recovered: false, reason };
    const subscribed = answer({ seq: core.position(key), ...recovery });
    return { subscribed, items: snapshot === undefined ? [] : [snapshot] };
  }

  #whyNot(from: { epoch: string; seq: number }): "epoch_changed" | "too_old" | undefined {
    const { core } = this.#parts;
    if (from.epoch !== core.epoch) return "epoch_changed";
    return core.canRecover(from.seq) ? undefined : "too_old";
  }
}

function dataFrames(items: readonly Item[]): string[] {
  const frames: string[] = [];
  for (let i = 0; i < items.length; i += FRAME_ITEMS) frames.push(dataFrame(items.slice(i, i + FRAME_ITEMS)));
  return frames;
}

function isLog({ channel }: Stream): boolean {
  return CHANNEL_KINDS[channel] === "log";
}
