/**
 * The Durable Object of one instrument: one publisher in, any number of hibernating clients out.
 *
 * Nothing here runs by a clock: batches from the pusher, empty ones included, are what moves time on. A timer would keep
 * the object awake, and billed, while it has nothing to do.
 */

import { DurableObject } from "cloudflare:workers";
import { ProtocolError } from "../../protocol/errors.ts";
import { clientFrame } from "../../protocol/frames.ts";
import { type LatestTicker, publisherFrame, type TicksFrame } from "../../protocol/ingest.ts";
import { LIMITS } from "../../protocol/limits.ts";
import { PING_TEXT, PONG_TEXT } from "../../protocol/ping.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { type Arrival, arrivalOf } from "../clients/arrival.ts";
import { ClientRequests } from "../clients/client-requests.ts";
import type { Standing } from "../clients/socket-pool.ts";
import { instrumentOf } from "../object-name.ts";
import { PendingRequests } from "../pending-requests.ts";
import type { Settings } from "../settings.ts";
import { answerClose, readFrame, refuse } from "../sockets.ts";
import type { ItemContext } from "../streams/item.ts";
import { ClientSockets } from "./client-sockets.ts";
import { FeedCore } from "./feed-core.ts";
import { FeedStore } from "./feed-store.ts";
import { PublisherSocket } from "./publisher-socket.ts";
import { RedisWriter } from "./redis-writer.ts";
import { type RecentTrades, RestReads } from "./rest-reads.ts";
import { StatusBroadcaster } from "./status-broadcaster.ts";
import { Subscriptions } from "./subscriptions.ts";
import { TradeHistory } from "./trade-history.ts";

/** While someone listens, storage is written at most this often, ms: rows written are the dearest meter. */
const STORE_PERIOD = 2000;

export class SymbolFeed extends DurableObject<Settings> {
  readonly #core: FeedCore;
  readonly #clients: ClientSockets;
  readonly #publisher: PublisherSocket;
  readonly #waiting = new PendingRequests();
  readonly #redis: RedisWriter;
  readonly #status: StatusBroadcaster;
  readonly #subscriptions: Subscriptions;
  readonly #requests: ClientRequests;
  readonly #reads: RestReads;
  #rates = "";
  #batches = 0;
  #lastStore = 0;
  /** The instrument is no longer collected, until a publisher comes again. In memory only: the registry keeps newcomers away. */
  #retired = false;

  constructor(ctx: DurableObjectState, env: Settings) {
    super(ctx, env);
    if (ctx.id.name === undefined) throw new TypeError("a SymbolFeed is found by its instrument's name");
    const name = instrumentOf(ctx.id.name);
    this.#core = new FeedCore(name, new FeedStore(ctx.storage.sql), new TradeHistory(ctx.storage.sql, name));
    this.#clients = new ClientSockets(ctx);
    this.#publisher = new PublisherSocket(ctx, this.#clients.counters);
    this.#redis = new RedisWriter(env, name);
    this.#status = new StatusBroadcaster(this.#core, this.#clients);
    this.#subscriptions = new Subscriptions({
      core: this.#core,
      clients: this.#clients,
      waiting: this.#waiting,
      refresh: (ahead) => this.#refresh(ahead),
      context: () => this.#context(Date.now()),
      changed: () => this.#sayCadence(),
      recovered: (ws, events) => this.#requests.chargeRecovered(ws, events, Date.now()),
      sendStatus: (ws) => this.#status.tell(ws),
    });
    this.#requests = new ClientRequests({
      schema: clientFrame,
      pool: this.#clients.pool,
      subscribe: (ws, { id, streams }) => this.#subscriptions.subscribe(ws, id, streams),
      unsubscribe: (ws, { id, streams }) => this.#subscriptions.unsubscribe(ws, id, streams),
      onDropped: () => this.#sayCadence(),
    });
    this.#reads = new RestReads({
      core: this.#core,
      publisher: this.#publisher,
      waiting: this.#waiting,
      refresh: () => this.#refresh(),
    });
    this.#rates = this.#clients.rates().join();
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_TEXT, PONG_TEXT));
    this.#wakeUp();
  }

  /** Sockets: `?publish=1` for the pusher (the Worker has checked its token), else a client. */
  override async fetch(request: Request): Promise<Response> {
    const params = new URL(request.url).searchParams;
    const arrival = arrivalOf(params);
    if (this.#clients.pool.isFullFor(arrival)) return new Response("the address has too many here", { status: 429 });
    const [client, server] = Object.values(new WebSocketPair());
    if (client === undefined || server === undefined) throw new TypeError("a WebSocketPair has two ends");
    if (params.has("publish")) this.#acceptPublisher(server);
    else this.#acceptClient(server, arrival, params);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    if (this.#publisher.is(ws)) this.#orStartAnew(() => this.#onPublisherMessage(ws, message));
    else if (this.#clients.pool.has(ws)) this.#requests.take(ws, message, Date.now());
  }

  override webSocketClose(ws: WebSocket, code: number): void {
    this.#onGone(ws);
    answerClose(ws, code);
  }

  override webSocketError(ws: WebSocket): void {
    this.#onGone(ws);
    answerClose(ws, 1011);
  }

  /** How a client's socket is doing, for the Worker that passed it on. */
  standing(session: string): Standing {
    return this.#clients.pool.standing(session);
  }

  /** The newest ticker, for REST; null where none has come yet. */
  latest(): Promise<LatestTicker | null> {
    return this.#reads.latest();
  }

  /** The newest trades, newest last, for REST. */
  trades(limit: number): Promise<RecentTrades> {
    return this.#reads.trades(limit);
  }

  /** What was broadcast before the memory went away is asked for again at once: somebody may be waiting for it. */
  #wakeUp(): void {
    const { broadcast } = this.#publisher;
    if (broadcast !== null) this.#core.restorePositions(broadcast.epoch, broadcast.positions);
    const { epoch, seq, caughtUp } = this.#core;
    if (epoch !== null && !caughtUp) this.#publisher.resend(epoch, seq, Date.now());
    if (!this.#publisher.connected) this.#status.publisherGone(Date.now());
    // The client whose leaving woke the object is not among its sockets any more.
    this.#sayCadence();
  }

  #acceptPublisher(server: WebSocket): void {
    this.#retired = false;
    this.#storeAll();
    this.#publisher.accept(server, this.#broadcast());
    this.#publisher.ready(this.#core.epoch, this.#core.storedSeq, this.#clients.rates());
  }

  #acceptClient(server: WebSocket, arrival: Arrival, params: URLSearchParams): void {
    if (!this.#clients.accept(server, arrival)) return;
    if (this.#retired) {
      // Either the registry has not heard yet that it is gone, or the pusher not yet that it is back: soon it is one or the other.
      const moment = `${this.#core.instrument} is about to be collected, or no longer: ask again`;
      this.#clients.pool.dismissAll(new ProtocolError("restarting", moment));
      return;
    }
    const region = params.get("region") ?? "local";
    this.#clients.pool.answer(server, { op: "welcome", session: arrival.session, region, limits: LIMITS });
    const streams = params.getAll("stream");
    if (streams.length > 0) this.#subscriptions.subscribe(server, undefined, streams);
    else this.#status.tell(server);
  }

  /** A frame that is none is a bug of the pusher's, and what it sends after it can't be trusted: it is sent away. */
  #onPublisherMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const frame = readFrame(publisherFrame, message);
    if (frame instanceof ProtocolError) {
      this.#onGone(ws);
      refuse(ws, frame);
    } else if (frame.op === "ticks") this.#onBatch(frame);
    else if (frame.op === "retired") this.#onRetired();
    else this.#clients.broadcast({ op: "reconnect", within: frame.within, reason: "deploy" });
  }

  /**
   * A batch that was taken in by half would leave a hole that no `prev` shows. So whatever goes wrong in it, a bug of ours,
   * ends the object with all its sockets: storage is whole, the pusher sends again, and the clients resume.
   */
  #orStartAnew(act: () => void): void {
    try {
      act();
    } catch (error) {
      console.error(`${this.#core.instrument} starts anew:`, error);
      this.ctx.abort(`starting anew: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** What came before goes out and into storage: should the instrument come back, it goes on from there. */
  #onRetired(): void {
    this.#storeAll();
    this.#ack();
    this.#retired = true;
    const what = `${this.#core.instrument} is no longer collected: see /v1/markets for what is`;
    this.#clients.pool.dismissAll(new ProtocolError("unknown_instrument", what));
    this.#sayCadence();
  }

  #onBatch(frame: TicksFrame): void {
    const now = Date.now();
    this.#batches += 1;
    // What is still being gathered belongs to the old log.
    if (frame.epoch !== this.#core.epoch) this.#flush(RATES, now);
    const accepted = this.#core.accept(frame, (key) => this.#clients.listening(key));
    if (accepted.kind === "hole") this.#publisher.resend(accepted.epoch, accepted.from, now);
    const changed = accepted.kind === "changed";
    this.#flush(changed ? RATES : frame.due, now);
    this.#waiting.settle();
    this.#status.tellIfDue(now);
    // At once after a change of epochs: positions of different epochs do not compare, so nothing may lie between the two.
    this.#storeIfDue(now, changed);
    const { ticker, source } = this.#core;
    if (accepted.kind !== "hole") this.#redis.write(ticker, source, frame.asOf, now, this.#rates !== "");
    this.#clients.pool.dropSlow(now);
    // Sockets that turned out to be dead on the way leave like any other: unheard of, they would keep the object awake.
    this.#sayCadence();
    this.#ack();
  }

  /** Broadcast first, store later: `send()` waits behind storage writes, so nothing is written before this. */
  #flush(due: readonly Rate[], now = Date.now()): void {
    this.#clients.deliver(this.#core.flush(due, this.#context(now)));
    this.#clients.counters.folded += this.#core.takeFolded();
    this.#publisher.remember(this.#broadcast());
  }

  #storeIfDue(now: number, atOnce: boolean): void {
    const live = this.#rates !== "";
    // What is stored is not sent again. Were it not broadcast yet, hibernation would take it from the slower streams.
    if (!this.#core.unstored || this.#core.unflushed) return;
    if (live && !atOnce && now - this.#lastStore < STORE_PERIOD) return;
    this.#core.store();
    this.#lastStore = now;
  }

  /** For when the publisher's attachment goes away: what was broadcast, and what waits to be, must be in storage. */
  #storeAll(): void {
    this.#flush(RATES);
    this.#core.storePositions();
  }

  #ack(): void {
    const { epoch, storedSeq } = this.#core;
    if (epoch !== null) this.#publisher.ack(epoch, storedSeq, this.#dirty);
  }

  get #dirty(): boolean {
    const { unstored, unflushed } = this.#core;
    return unstored || unflushed || this.#redis.owes(this.#core.ticker, this.#rates !== "");
  }

  #onGone(ws: WebSocket): void {
    const left = this.#publisher.leave(ws);
    if (left === undefined) {
      this.#clients.pool.remove(ws);
      this.#sayCadence();
      return;
    }
    const { broadcast } = left;
    if (broadcast !== null) this.#core.restorePositions(broadcast.epoch, broadcast.positions);
    if (!this.#publisher.connected) {
      this.#status.publisherGone(Date.now());
      this.#status.tellIfDue(Date.now());
    }
    this.#storeAll();
  }

  /**
   * A feed that nobody listens to gets its ticks late; asking for the cadence again brings them at once. `ahead`: a client
   * names a position beyond what is known here; the answer says how far the feed is complete.
   */
  #refresh(ahead = false): () => boolean {
    if ((this.#rates !== "" && !ahead) || !this.#publisher.connected) return () => true;
    const before = this.#batches;
    this.#publisher.cadence(this.#clients.rates());
    return () => this.#batches > before || !this.#publisher.connected;
  }

  #sayCadence(): void {
    const rates = this.#clients.rates();
    this.#rates = rates.join();
    if (this.#rates === this.#publisher.told.join()) return;
    // What nobody listens to any more has no grid that would flush it.
    this.#flush(RATES.filter((rate) => !rates.includes(rate)));
    this.#publisher.cadence(rates);
  }

  #context(edge: number): ItemContext {
    const { instrument, epoch, status } = this.#core;
    return { instrument, epoch: epoch ?? "", source: status?.source ?? "live", edge };
  }

  #broadcast() {
    const { epoch, positions } = this.#core;
    return epoch === null ? null : { epoch, positions };
  }
}
