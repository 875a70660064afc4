/**
 * The Durable Object that clients with any number of streams are connected to (`apac-0`: a region and a number), fed by the
 * objects of the partitions. It holds nothing that lasts: a relay that has lost its memory sends its clients to another
 * connection, and they resume there.
 *
 * While it has clients with streams it is awake anyway, so here, unlike in a feed, things may run by a clock.
 */

import { DurableObject } from "cloudflare:workers";
import { ProtocolError } from "../../protocol/errors.ts";
import { MULTI_LIMITS } from "../../protocol/limits.ts";
import { type MultiServerFrame, multiClientFrame } from "../../protocol/multi-stream-frames.ts";
import { PING_TEXT, PONG_TEXT } from "../../protocol/ping.ts";
import { parsePositions } from "../../protocol/positions.ts";
import { type Arrival, arrivalOf } from "../clients/arrival.ts";
import { ClientRequests } from "../clients/client-requests.ts";
import type { MeteredSocket } from "../clients/metered-socket.ts";
import { SocketPool, type Standing } from "../clients/socket-pool.ts";
import { NEAR_INGESTORS, nearExchange } from "../near-exchange.ts";
import { objectName } from "../object-name.ts";
import type { PartitionFeed } from "../partition-feed/partition-feed.ts";
import type { Registry } from "../registry/registry.ts";
import type { Settings } from "../settings.ts";
import { answerClose } from "../sockets.ts";
import { KnownMarkets } from "./known-markets.ts";
import { ControlFrame } from "./outgoing-frames.ts";
import { PartitionLinks } from "./partition-links.ts";
import type { SubscribeRequest, UnsubscribeRequest } from "./relay-clients.ts";
import { RelayClock } from "./relay-clock.ts";
import { RelayCore } from "./relay-core.ts";
import { RelayCounters } from "./relay-counters.ts";
import { exchangeOf } from "./status-board.ts";

/** A relay with more clients takes no other: the Worker tries the next one. */
const MAX_CLIENTS = 5000;
/** Requests of a client that may wait for an earlier one. */
const MAX_WAITING = 20;

interface Bindings extends Settings {
  readonly PARTITION_FEED: DurableObjectNamespace<PartitionFeed>;
  readonly REGISTRY: DurableObjectNamespace<Registry>;
}

/** What a client socket carries through hibernation. */
interface RelayAttachment {
  readonly session: string;
  /** Whether it has asked for streams: what it has been sent of them is forgotten with the object's memory. */
  readonly streams: boolean;
}

export class FanoutRelay extends DurableObject<Bindings> {
  readonly #counters = new RelayCounters({ clients: () => this.#pool.size, streams: () => this.#core.streams });
  readonly #pool: SocketPool;
  readonly #markets: KnownMarkets;
  readonly #links: PartitionLinks;
  readonly #core: RelayCore<MeteredSocket>;
  readonly #requests: ClientRequests;
  readonly #clock: RelayClock;

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    // Not at once: a socket is found to be gone in the middle of what is sent to many.
    this.#pool = new SocketPool(ctx, this.#counters.all, (socket) => queueMicrotask(() => this.#core.remove(socket)));
    const registry = env.REGISTRY.getByName(objectName(env.PRICES, "registry"), NEAR_INGESTORS);
    this.#markets = new KnownMarkets((known) =>
      registry.view(known, { relay: `${ctx.id}`, counts: this.#counters.take() }),
    );
    this.#links = new PartitionLinks((partition) => this.#dial(partition), {
      opened: (partition) => this.#core.linkOpened(partition),
      message: (partition, text) => {
        this.#core.take(partition, text, Date.now());
        this.#clock.gather();
      },
      lost: (partition) => this.#core.linkLost(partition),
    });
    this.#core = new RelayCore(() => this.#markets.current, MULTI_LIMITS, {
      send: (socket, frame) => {
        if (this.#pool.send(socket, frame[socket.format], Date.now())) this.#counters.delivered(frame);
      },
      sendAtOnce: ({ ws, format }, frames) => {
        const texts = frames.map((frame) => frame[format]);
        if (this.#pool.sendAtOnce(ws, texts)) for (const frame of frames) this.#counters.delivered(frame);
      },
      hasRoom: ({ ws }) => this.#pool.hasRoom(ws),
      close: ({ ws }, error) => this.#pool.dismiss(ws, error),
      dial: (partition) => {
        this.#links.open(partition);
        this.#clock.start();
      },
      hangUp: (partition) => this.#links.close(partition),
      request: (partition, request) => this.#links.send(partition, JSON.stringify(request)),
      resumed: (exchange, outcome) => this.#counters.of(exchange).resumed(outcome),
    });
    this.#requests = new ClientRequests({
      schema: multiClientFrame,
      pool: this.#pool,
      subscribe: (ws, request) => this.#subscribe(ws, request),
      unsubscribe: (ws, request) => this.#unsubscribe(ws, request),
      onDropped: () => undefined,
    });
    this.#clock = new RelayClock(ctx.storage, {
      core: this.#core,
      pool: this.#pool,
      isNeeded: () => this.#links.size > 0,
      refreshMarkets: () => this.#refreshMarkets(),
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_TEXT, PONG_TEXT));
    this.#dismissForgotten();
  }

  /**
   * A client's socket: `?session=…&region=…`, and `stream` for each stream that it has named in its URL, with `from`, positions
   * as text, to resume from. With `sse=1` the Worker holds it, and passes on what it is sent as server-sent events.
   */
  override async fetch(request: Request): Promise<Response> {
    const params = new URL(request.url).searchParams;
    const arrival = arrivalOf(params);
    if (this.#pool.isFullFor(arrival)) return new Response("the address has too many here", { status: 429 });
    if (this.#pool.size >= MAX_CLIENTS) return new Response("this relay is full", { status: 503 });
    if (!this.#markets.known) await this.#markets.refresh();
    const [client, server] = Object.values(new WebSocketPair());
    if (client === undefined || server === undefined) throw new TypeError("a WebSocketPair has two ends");
    this.#accept(server, arrival, params);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> {
    // After hibernation; messages that come meanwhile wait for the same answer, and so keep their order.
    if (!this.#markets.known) await this.#markets.refresh();
    if (!this.#pool.has(ws)) return;
    try {
      this.#requests.take(ws, message, Date.now());
    } catch (error) {
      // A bug of ours costs the client that has met it its connection, and nobody else anything.
      console.error("a client of a relay could not be answered:", error);
      this.#pool.dismiss(ws, new ProtocolError("internal", "this request could not be answered: reconnect"));
    }
  }

  override webSocketClose(ws: WebSocket, code: number): void {
    this.#pool.remove(ws);
    answerClose(ws, code);
  }

  override webSocketError(ws: WebSocket): void {
    this.#pool.remove(ws);
    answerClose(ws, 1011);
  }

  /** Whatever comes over the links does not keep the object from being let go of; its alarm does. */
  override alarm(): void {
    this.#clock.onAlarm();
  }

  /** How a client's socket is doing, for the Worker that passed it on. */
  standing(session: string): Standing {
    return this.#pool.standing(session);
  }

  #accept(server: WebSocket, arrival: Arrival, params: URLSearchParams): void {
    const { session, format } = arrival;
    const attachment: RelayAttachment = { session, streams: false };
    const socket = this.#pool.accept(server, arrival, attachment);
    if (socket === undefined) return;
    const region = params.get("region") ?? "local";
    const welcome: MultiServerFrame = { op: "welcome", session, region, time: Date.now(), limits: MULTI_LIMITS };
    this.#pool.sendAtOnce(server, [new ControlFrame(welcome)[format]]);
    const streams = params.getAll("stream");
    const from = Object.fromEntries(parsePositions(params.get("from") ?? ""));
    if (streams.length > 0) this.#subscribe(server, { streams, from, unattended: format === "sse" });
  }

  /** @throws {ProtocolError} `rate_limited` */
  #subscribe(ws: WebSocket, request: SubscribeRequest): void {
    const socket = this.#withRoom(ws);
    if (socket === undefined) return;
    const { session }: RelayAttachment = ws.deserializeAttachment();
    ws.serializeAttachment({ session, streams: true } satisfies RelayAttachment);
    this.#core.subscribe(socket, request, Date.now());
    this.#clock.gather();
  }

  /** @throws {ProtocolError} `rate_limited` */
  #unsubscribe(ws: WebSocket, request: UnsubscribeRequest): void {
    const socket = this.#withRoom(ws);
    if (socket !== undefined) this.#core.unsubscribe(socket, request);
  }

  /** A client's requests are answered one after the other: how many may wait is bounded. */
  #withRoom(ws: WebSocket): MeteredSocket | undefined {
    const socket = this.#pool.get(ws);
    if (socket === undefined || this.#core.waiting(socket) < MAX_WAITING) return socket;
    throw new ProtocolError("rate_limited", `${MAX_WAITING} requests wait for earlier ones: wait for their answers`);
  }

  /** Opens a socket to a partition feed. @throws {Error} where it does not answer with one */
  async #dial(partition: string): Promise<WebSocket> {
    const name = objectName(this.env.PRICES, partition);
    const feed = this.env.PARTITION_FEED.getByName(name, nearExchange(exchangeOf(partition)));
    const { webSocket } = await feed.fetch(`https://feed/?relay=${this.ctx.id}`, { headers: { Upgrade: "websocket" } });
    if (webSocket === null) throw new TypeError(`${partition} answers with no socket`);
    return webSocket;
  }

  #refreshMarkets(): void {
    this.#markets.refresh().then(
      (isOther) => {
        if (isOther) this.#core.marketsChanged();
      },
      // What is known serves until the registry answers again: it is asked in a second.
      (error: unknown) => console.warn("the registry does not answer a relay:", error),
    );
  }

  /** What was sent to a client before the memory was lost is not known any more: it has to come back, and loses nothing by it. */
  #dismissForgotten(): void {
    const restarting = new ProtocolError("restarting", "this relay has started anew: reconnect and resume");
    for (const { ws } of [...this.#pool.all]) {
      const { streams }: RelayAttachment = ws.deserializeAttachment();
      if (streams) this.#pool.dismiss(ws, restarting);
    }
  }
}
