/**
 * The TypeScript client of Tickcast: subscribe to streams by name; every item comes once, in order, whatever happens between.
 * It runs wherever there is a standard WebSocket.
 */

import type { Position } from "../protocol/position.ts";
import { parseStream, type Stream } from "../protocol/stream.ts";
import { FeedConnection } from "./feed-connection.ts";
import type { ConnectionHandlers, StreamHandlers } from "./handlers.ts";
import type { SocketSettings } from "./reconnecting-socket.ts";
import type { SubscriptionState } from "./subscription.ts";

export interface ClientOptions extends ConnectionHandlers, Omit<SocketSettings, "url"> {
  /** Where Tickcast is: `http://localhost:8787`; `https`, `ws`, `wss` and a path before `/v1` will do too. */
  readonly url: string;
}

/** A subscription's handle: its state, its position, and the way to end it. */
export interface StreamHandle {
  /** The stream's canonical name, with its rate. */
  readonly stream: string;
  /**
   * `subscribing`: asked for, or waiting for a connection; `subscribed`: items flow;
   * `unsubscribed`: over, by {@link unsubscribe}, by a newer subscription to the same stream, or refused by the server.
   */
  readonly state: SubscriptionState;
  /** The last item seen, also after the end: enough to resume anywhere; undefined where there was none. */
  readonly position: Position | undefined;
  /** Ends it; does nothing where it has ended. */
  unsubscribe(): void;
}

/**
 * @example
 * const client = new TickcastClient({ url: "http://localhost:8787" });
 * client.subscribe("upbit:BTC-KRW@trade", { onItem: (item) => console.log(item.trades) });
 */
export class TickcastClient {
  readonly #options: ClientOptions;
  readonly #base: string;
  /** Today a connection carries one instrument. */
  readonly #connections = new Map<string, FeedConnection>();

  /** @throws {TypeError} when `url` is none */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = socketBase(options.url);
  }

  /**
   * Subscribing again to the same stream replaces the older subscription.
   *
   * @param name of a stream; the default rate is filled in
   * @param from a position of the same instrument to resume from: nothing after it is left out while the server has it
   * @throws {ProtocolError} when the name is malformed
   */
  subscribe(name: string, handlers: StreamHandlers, from?: Position): StreamHandle {
    const { name: stream, instrument } = parseStream(name);
    const connection = this.#connection(instrument);
    const subscription = connection.subscribe(stream, handlers, from);
    return {
      stream,
      get state() {
        return subscription.state;
      },
      get position() {
        return subscription.position;
      },
      unsubscribe: () => connection.unsubscribe(subscription),
    };
  }

  /** Ends every subscription. Nothing is called any more, and nothing keeps the process alive. */
  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #connection({ name, exchange, symbol }: Stream["instrument"]): FeedConnection {
    const known = this.#connections.get(name);
    if (known !== undefined) return known;
    const connection = new FeedConnection({
      ...this.#options,
      url: `${this.#base}/v1/stream/${exchange}/${encodeURIComponent(symbol)}`,
      onUnused: () => {
        connection.close();
        this.#connections.delete(name);
      },
    });
    this.#connections.set(name, connection);
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
