/** The TypeScript client of Tickcast: subscribe to streams by name; every item comes once, in order, whatever happens between. */

import type { instrument as makeInstrument } from "../protocol/instrument.ts";
import type { Position } from "../protocol/position.ts";
import { parseStream } from "../protocol/stream.ts";
import { Connection, type ConnectionHandlers, type ConnectionOptions, type StreamHandlers } from "./connection.ts";

export interface ClientOptions extends ConnectionHandlers, Pick<ConnectionOptions, "dial" | "pingEvery" | "maxPause"> {
  /** Where Tickcast is: `http://localhost:8787`. */
  readonly url: string;
}

/** Ends a subscription, and says up to where it came. */
export interface StreamHandle {
  readonly stream: string;
  readonly position: Position | undefined;
  unsubscribe(): void;
}

/**
 * @example
 * const client = new TickcastClient({ url: "http://localhost:8787" });
 * client.subscribe("upbit:BTC-KRW@trade", { onItem: (item) => console.log(item.trades) });
 */
export class TickcastClient {
  readonly #options: ClientOptions;
  /** Today a connection carries one instrument. */
  readonly #connections = new Map<string, Connection>();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * @param name of a stream; the default rate is filled in
   * @param from a position of the same instrument to resume from: nothing after it is left out while the server has it
   * @throws {ProtocolError} when the name is malformed
   */
  subscribe(name: string, handlers: StreamHandlers, from?: Position): StreamHandle {
    const { name: stream, instrument } = parseStream(name);
    const connection = this.#connection(instrument);
    connection.subscribe(stream, handlers, from);
    return {
      stream,
      get position() {
        return connection.position(stream);
      },
      unsubscribe: () => {
        connection.unsubscribe(stream);
        if (connection.size > 0) return;
        connection.close();
        this.#connections.delete(instrument.name);
      },
    };
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #connection(instrument: ReturnType<typeof makeInstrument>): Connection {
    const known = this.#connections.get(instrument.name);
    if (known !== undefined) return known;
    const { url: base, ...options } = this.#options;
    const url = `${base.replace(/^http/, "ws").replace(/\/$/, "")}/v1/stream/${instrument.exchange}/${encodeURIComponent(instrument.symbol)}`;
    const connection = new Connection({ ...options, url });
    this.#connections.set(instrument.name, connection);
    return connection;
  }
}
