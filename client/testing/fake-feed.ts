/** The server's end of a client's connections, played by the test: a real WebSocket server that sends only what the test says. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { ClientFrame, DataItem, SubscribedStream } from "../../protocol/frames.ts";
import { Inbox } from "./inbox.ts";

export type Subscribe = Extract<ClientFrame, { op: "subscribe" }>;

export class FakeFeed {
  readonly url: string;
  readonly peers = new Inbox<Peer>();
  /** Every peer there ever was. */
  readonly all: Peer[] = [];
  readonly #server: WebSocketServer;

  constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket, { url }) => {
      const peer = new Peer(socket, url ?? "");
      this.all.push(peer);
      this.peers.put(peer);
    });
  }

  /** The next connection. */
  peer(): Promise<Peer> {
    return this.peers.take();
  }

  async stop(): Promise<void> {
    for (const { socket } of this.all) socket.terminate();
    await new Promise<unknown>((resolve) => this.#server.close(resolve));
  }
}

export class Peer {
  readonly socket: WebSocket;
  /** Path and query. */
  readonly path: string;
  readonly texts: string[] = [];
  readonly frames = new Inbox<ClientFrame>();
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(socket: WebSocket, path: string) {
    this.socket = socket;
    this.path = path;
    this.closed = new Promise((resolve) =>
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    socket.on("message", (data) => {
      const text = data.toString();
      this.texts.push(text);
      this.frames.put(JSON.parse(text) as ClientFrame);
    });
  }

  async request(): Promise<Subscribe> {
    return (await this.frames.take(({ op }) => op === "subscribe")) as Subscribe;
  }

  send(...frames: (object | string)[]): void {
    for (const frame of frames) this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Answers a request for one stream. */
  answer({ id, streams: [wanted] }: Subscribe, answer: Partial<SubscribedStream>): void {
    const stream = typeof wanted === "string" ? wanted : wanted?.stream;
    this.send({ op: "subscribed", id, streams: [{ requested: stream, stream, seq: 0, ...answer }], failed: [] });
  }

  refuse({ id, streams: [wanted] }: Subscribe, error: { code: string; message: string; retryable: boolean }): void {
    const requested = typeof wanted === "string" ? wanted : wanted?.stream;
    this.send({ op: "subscribed", id, streams: [], failed: [{ requested, error }] });
  }

  data(...items: readonly DataItem[]): void {
    this.send({ op: "data", data: items });
  }

  /** A round trip: whatever the client was going to send has come. */
  async settled(): Promise<void> {
    const id = Math.floor(Math.random() * 2 ** 40);
    this.send({ op: "probe", id });
    await this.frames.take((frame) => frame.op === "ack" && frame.id === id);
  }
}

/** Stops when the test ends. */
export async function fakeFeed(port = 0): Promise<FakeFeed> {
  const server = new WebSocketServer({ port });
  await once(server, "listening");
  const feed = new FakeFeed(server);
  onTestFinished(() => feed.stop());
  return feed;
}
