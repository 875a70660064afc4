/**
 * The Durable Object of one partition of an exchange's log (`upbit/2`): the newest ticker of each of its instruments, and the
 * streams of it that relays want. One publisher feeds it, and only while somebody asks: nothing is stored, nothing runs by a
 * clock, and in between it sleeps.
 */

import { DurableObject } from "cloudflare:workers";
import { ProtocolError } from "../../protocol/errors.ts";
import { type PartitionFrame, partitionFrame } from "../../protocol/partition-frames.ts";
import { EdgeCounters } from "../edge-counters.ts";
import { nearExchange } from "../near-exchange.ts";
import { objectName } from "../object-name.ts";
import { PendingRequests } from "../pending-requests.ts";
import type { Settings } from "../settings.ts";
import { answerClose, readFrame, refuse } from "../sockets.ts";
import type { SymbolFeed } from "../symbol-feed/symbol-feed.ts";
import { type ListedTicker, PartitionCore } from "./partition-core.ts";
import { PublisherLink, READ_PERIOD } from "./publisher-link.ts";
import { RelayServer } from "./relay-server.ts";

/** How long a read waits for the pusher, ms, and then for the feeds of instruments of which the pusher knows nothing. */
const READ_PATIENCE = 700;
const CHECK_PATIENCE = 1000;

interface Bindings extends Settings {
  readonly SYMBOL_FEED: DurableObjectNamespace<SymbolFeed>;
}

export class PartitionFeed extends DurableObject<Bindings> {
  readonly #core = new PartitionCore();
  readonly #publisher: PublisherLink;
  readonly #relays: RelayServer;
  readonly #waiting = new PendingRequests();
  /** When the pusher was heard last, ms; 0 before it was. */
  #heard = 0;
  /** Batches and complete lists of this life. */
  #updates = 0;
  /** Instruments whose own feed is being asked. */
  readonly #checks = new Map<string, Promise<void>>();

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    const counters = new EdgeCounters(() => this.#relays.gauges);
    this.#publisher = new PublisherLink(ctx, counters);
    this.#relays = new RelayServer(ctx, this.#core, this.#publisher, counters);
  }

  /**
   * The socket of a relay, which is named by `?relay=NAME` and dials by its binding; or of the partition's publisher, of which
   * the Worker has checked the token.
   */
  override async fetch(request: Request): Promise<Response> {
    const [client, server] = Object.values(new WebSocketPair());
    if (client === undefined || server === undefined) throw new TypeError("a WebSocketPair has two ends");
    const relay = new URL(request.url).searchParams.get("relay");
    if (relay === null) this.#acceptPublisher(server);
    else this.#relays.accept(server, relay);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    // One that was replaced may have had something on its way.
    if (this.#relays.onMessage(ws, message) || !this.#publisher.is(ws)) return;
    const frame = readFrame(partitionFrame, message);
    if (frame instanceof ProtocolError) {
      this.#onGone(ws);
      refuse(ws, frame);
    } else this.#take(frame, Date.now());
  }

  override webSocketClose(ws: WebSocket, code: number): void {
    this.#onGone(ws);
    answerClose(ws, code);
  }

  override webSocketError(ws: WebSocket): void {
    this.#onGone(ws);
    answerClose(ws, 1011);
  }

  /** The newest tickers of these instruments of the partition, never older than two seconds while the log is; none unknown. */
  async tickers(instruments: readonly string[]): Promise<ListedTicker[]> {
    await this.#refresh();
    await this.#check(instruments);
    return instruments.flatMap((instrument) => this.#core.ticker(instrument) ?? []);
  }

  /** The newest ticker as the pusher knows it, under the same condition; null where it knows none. */
  async ticker(instrument: string): Promise<ListedTicker | null> {
    await this.#refresh();
    return this.#core.ticker(instrument) ?? null;
  }

  #acceptPublisher(ws: WebSocket): void {
    this.#core.forgetPages();
    this.#publisher.accept(ws, this.#core.position);
    this.#relays.onPublisher();
  }

  #take(frame: PartitionFrame, now: number): void {
    switch (frame.op) {
      case "batch": {
        const taken = this.#core.takeBatch(frame);
        if (taken.kind === "unknown") this.#publisher.beginAnew(this.#core.position, now);
        else if (taken.kind === "hole") this.#publisher.resend(taken.epoch, taken.from, now);
        else {
          this.#relays.onBatch(frame, taken.events, now);
          this.#onUpdate(now);
        }
        if (frame.count === true) this.#publisher.tellCounts();
        break;
      }
      case "tickers": {
        const taken = this.#core.takeList(frame, this.#relays.wantsTrades);
        if (taken.kind === "partial") break;
        if (taken.kind === "complete") this.#relays.onList(taken.before, frame, taken.tickers);
        this.#onUpdate(now);
        break;
      }
      case "replayed":
        this.#relays.onReplayed(frame);
        break;
      case "gone":
        this.#core.forget(frame.instruments);
        this.#relays.onGone(frame.instruments);
        break;
      case "drain":
        this.#relays.onDrain(frame.within);
        break;
    }
  }

  #onUpdate(now: number): void {
    this.#heard = now;
    this.#updates += 1;
    this.#waiting.settle();
  }

  #onGone(ws: WebSocket): void {
    this.#relays.onClose(ws);
    if (!this.#publisher.leave(ws)) return;
    this.#relays.onPublisherGone(Date.now());
    this.#waiting.settle();
  }

  /** Waits for the pusher's word where the last one is older than a second. */
  #refresh(): Promise<void> {
    const now = Date.now();
    if (!this.#publisher.connected || now - this.#heard < READ_PERIOD) return Promise.resolve();
    const before = this.#updates;
    this.#publisher.read(this.#core.position, now);
    const isReady = () => this.#updates > before || !this.#publisher.connected;
    return new Promise((resolve) => this.#waiting.enter(isReady, READ_PATIENCE, () => resolve()));
  }

  /**
   * Of an instrument that has been quiet since before the pusher began, or while there is no pusher, the instrument's own feed
   * knows the newest ticker: it stores it. Asked once, and again only where something may have changed.
   */
  async #check(instruments: readonly string[]): Promise<void> {
    const uncertain = this.#core.uncertain(instruments, Date.now(), this.#heard);
    if (uncertain.length === 0) return;
    const all = Promise.all(uncertain.map((instrument) => this.#checkOne(instrument)));
    await Promise.race([all, scheduler.wait(CHECK_PATIENCE)]);
  }

  #checkOne(instrument: string): Promise<void> {
    const before = this.#checks.get(instrument);
    if (before !== undefined) return before;
    const name = objectName(this.env.PRICES, instrument);
    const check = this.env.SYMBOL_FEED.getByName(name, nearExchange(instrument))
      .latest()
      .then((ticker) => this.#core.takeChecked(instrument, ticker, Date.now()))
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        console.warn(`${instrument} can't be asked for its newest ticker, the next reader asks again:`, reason);
      })
      .finally(() => this.#checks.delete(instrument));
    this.#checks.set(instrument, check);
    return check;
  }
}
