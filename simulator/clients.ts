import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** One connected client, as each dialect writes it: its subscriptions, and the connection's own rules. */
export interface Client {
  /** Which of the dialect's spellings it gets; absent where there is only one. */
  readonly format?: unknown;
  /** Sends one frame through the gate; `onSent` when it was handed to the socket. */
  send(frame: Buffer, onSent?: () => void): void;
  /** Sends an error frame and closes. */
  fail(name: string, message: string): void;
  /** Cuts the connection without a close frame. */
  cut(): void;
}

/** What else happens to a frame on its way out. */
export interface SendOptions {
  /** Changes the whole frame just before it goes out. */
  readonly finish?: ((frame: string) => string) | undefined;
  /** Called for each socket that the frame was handed to. */
  readonly onSent?: (() => void) | undefined;
}

/** The open connections of one running dialect; iterates over its clients. */
export class Clients<C extends Client> {
  // No exchange that is simulated compresses its frames.
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #open = new Set<C>();

  /** The number of open sockets. */
  get size(): number {
    return this.#open.size;
  }

  [Symbol.iterator](): Iterator<C> {
    return this.#open.values();
  }

  /** Takes an HTTP upgrade; `make` turns its socket into a client, which counts until the socket has closed. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, make: (socket: WebSocket) => C): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const client = make(webSocket);
      this.#open.add(client);
      webSocket.on("close", () => this.#open.delete(client));
    });
  }

  /**
   * Sends a frame to all clients that want it, written and encoded once for each format in use; answers how many.
   * Without a subscriber it is not even encoded.
   */
  broadcast(
    wanted: (client: C) => boolean,
    write: (format: C["format"]) => string,
    { finish = (frame) => frame, onSent }: SendOptions = {},
  ): number {
    const frames = new Map<C["format"], Buffer>();
    let sent = 0;
    for (const client of this.#open) {
      if (!wanted(client)) continue;
      const frame = frames.get(client.format) ?? Buffer.from(finish(write(client.format)));
      frames.set(client.format, frame);
      client.send(frame, onSent);
      sent += 1;
    }
    return sent;
  }

  /** Cuts every socket without a close frame; answers how many. */
  drop(): number {
    const { size } = this;
    for (const client of this.#open) client.cut();
    return size;
  }

  /** Cuts every socket and takes no more. */
  close(): void {
    this.drop();
    this.#server.close();
  }
}
