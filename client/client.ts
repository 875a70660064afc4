/**
 * The TypeScript client of Tickcast: subscribe to streams by name or by wildcard; every item comes once, in order, whatever
 * happens between. It runs wherever there is a standard WebSocket.
 */

import { type Instrument, parseInstrument } from "../protocol/instrument.ts";
import { isPattern, parseStreamOrPattern } from "../protocol/pattern.ts";
import type { Position } from "../protocol/position.ts";
import { FeedConnection } from "./feed-connection.ts";
import type { ConnectionHandlers, StreamHandlers } from "./handlers.ts";
import { ItemIterator, type IterateOptions } from "./iterate.ts";
import type { ResumeFrom } from "./progress.ts";
import type { SocketSettings } from "./reconnecting-socket.ts";
import { StreamConnection } from "./stream-connection.ts";
import type { SubscriptionState } from "./subscription.ts";

export interface ClientOptions extends ConnectionHandlers, Omit<SocketSettings, "url"> {
  /** Where Tickcast is: `http://localhost:8787`; `https`, `ws`, `wss` and a path before `/v1` will do too. */
  readonly url: string;
  /**
   * `shared`, the default: all streams over one connection, which resumes from about a minute back. `per-instrument`: one for
   * each instrument that is named, which resumes from 10 minutes back; wildcards are shared all the same.
   */
  readonly sockets?: "shared" | "per-instrument";
}

/** A subscription's handle: its state, its position, and the way to end it. */
export interface StreamHandle {
  /** The canonical name, with its rate. */
  readonly stream: string;
  /**
   * `subscribing`: asked for, or waiting for a connection; `subscribed`: items flow; `paused`: by {@link pause};
   * `unsubscribed`: over, by {@link unsubscribe}, by a newer subscription to the same stream, or refused by the server.
   */
  readonly state: SubscriptionState;
  /** The last item seen, also after the end: enough to resume a named stream anywhere; undefined where there was none. */
  readonly position: Position | undefined;
  /** From where a shared connection resumes the subscription, by epoch; items behind them may come again. */
  readonly positions: Readonly<Record<string, number>>;
  /** Stops the items until {@link resume}, which goes on behind the last one as far as the server reaches back. */
  pause(): void;
  resume(): void;
  /** Ends it; does nothing where it has ended. */
  unsubscribe(): void;
}

/**
 * @example
 * const client = new TickcastClient({ url: "http://localhost:8787" });
 * client.subscribe("upbit:*-KRW@trade", { onItem: (item) => console.log(item.instrument, item.trades) });
 */
export class TickcastClient {
  readonly #options: ClientOptions;
  readonly #base: string;
  /** By instrument. */
  readonly #feeds = new Map<string, FeedConnection>();
  /** More than one where there are more streams than one may carry. */
  readonly #shared = new Set<StreamConnection>();
  readonly #iterators = new Set<ItemIterator>();

  /** @throws {TypeError} when `url` is none */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = socketBase(options.url);
  }

  /**
   * Subscribing again to the same stream replaces the older subscription.
   *
   * @param name of a stream or a wildcard; the default rate is filled in: 100ms, of a wildcard 1s
   * @param from where to go on: nothing after it is left out while the server has it
   * @throws {ProtocolError} when the name is malformed
   * @throws {TypeError} when it can't be resumed from what `from` is: a wildcard goes by positions, a socket of one instrument
   * by its position
   */
  subscribe(name: string, handlers: StreamHandlers, from?: ResumeFrom): StreamHandle {
    const wanted = parseStreamOrPattern(name);
    const isWildcard = isPattern(name);
    const isPositions = from !== undefined && "positions" in from;
    if (isWildcard && from !== undefined && !isPositions) {
      throw new TypeError(`${name} has no position of its own: resume it from { positions }`);
    }
    if (isWildcard || this.#options.sockets !== "per-instrument") {
      return this.#subscribeShared(wanted.name, handlers, from);
    }
    if (isPositions) throw new TypeError(`${name} resumes from { epoch, seq } on a socket of its own`);
    return this.#subscribeFeed(wanted.name, handlers, from);
  }

  /**
   * The same as `for await`: `for await (const { item, dropped, missed } of client.iterate("upbit:*-KRW@trade"))`. Leaving the
   * loop unsubscribes. What {@link subscribe} throws, this does too; the loop throws a {@link StreamError} when the stream ends.
   */
  iterate(name: string, options: IterateOptions = {}): ItemIterator {
    const iterator = new ItemIterator(options, (handlers) => this.subscribe(name, handlers, options.from));
    this.#iterators.add(iterator);
    iterator.onEnd = () => this.#iterators.delete(iterator);
    return iterator;
  }

  /** Ends every subscription. Nothing is called any more, loops end, and nothing keeps the process alive. */
  close(): void {
    for (const iterator of [...this.#iterators]) void iterator.return();
    for (const connection of [...this.#feeds.values(), ...this.#shared]) connection.close();
    this.#feeds.clear();
    this.#shared.clear();
  }

  #subscribeShared(stream: string, handlers: StreamHandlers, from: ResumeFrom | undefined): StreamHandle {
    const all = [...this.#shared];
    const connection =
      all.find((one) => one.has(stream)) ?? all.find((one) => one.canTake(stream)) ?? this.#openShared();
    const subscription = connection.subscribe(stream, handlers, from);
    return handleOf(connection, subscription, {
      position: () => subscription.progress.lastItem,
      positions: () => Object.fromEntries(connection.positionsOf(subscription)),
    });
  }

  #subscribeFeed(stream: string, handlers: StreamHandlers, from: Position | undefined): StreamHandle {
    const connection = this.#feed(parseInstrument(stream.slice(0, stream.indexOf("@"))));
    const subscription = connection.subscribe(stream, handlers, from);
    return handleOf(connection, subscription, { position: () => subscription.position, positions: () => ({}) });
  }

  #openShared(): StreamConnection {
    const connection: StreamConnection = new StreamConnection({
      ...this.#options,
      url: `${this.#base}/v1/stream`,
      onUnused: () => {
        connection.close();
        this.#shared.delete(connection);
      },
    });
    this.#shared.add(connection);
    return connection;
  }

  #feed({ name, exchange, symbol }: Instrument): FeedConnection {
    const known = this.#feeds.get(name);
    if (known !== undefined) return known;
    const connection: FeedConnection = new FeedConnection({
      ...this.#options,
      url: `${this.#base}/v1/stream/${exchange}/${encodeURIComponent(symbol)}`,
      onUnused: () => {
        connection.close();
        this.#feeds.delete(name);
      },
    });
    this.#feeds.set(name, connection);
    return connection;
  }
}

function socketBase(url: string): string {
  if (!URL.canParse(url) || !/^(http|ws)s?:$/.test(new URL(url).protocol)) {
    throw new TypeError(`"${url}" is not where Tickcast can be: write http://localhost:8787 or the like`);
  }
  const { protocol, host, pathname } = new URL(url);
  return `${protocol.replace("http", "ws")}//${host}${pathname.replace(/\/+$/, "")}`;
}

/** Of a subscription, whichever kind of connection it is on. */
function handleOf<Of extends { readonly stream: string; readonly state: SubscriptionState }>(
  connection: { pause(one: Of): void; resume(one: Of): void; unsubscribe(one: Of): void },
  subscription: Of,
  at: { position(): Position | undefined; positions(): Readonly<Record<string, number>> },
): StreamHandle {
  return {
    stream: subscription.stream,
    get state() {
      return subscription.state;
    },
    get position() {
      return at.position();
    },
    get positions() {
      return at.positions();
    },
    pause: () => connection.pause(subscription),
    resume: () => connection.resume(subscription),
    unsubscribe: () => connection.unsubscribe(subscription),
  };
}
