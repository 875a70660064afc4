/** The edge's end of a pusher's sockets, played by the test: a WebSocket server whose feeds store what the test lets them. */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { type Gap, gapOf } from "../../../protocol/events.ts";
import { publisherFrame, type TicksFrame } from "../../../protocol/ingest.ts";
import { type PartitionFrame, partitionFrame } from "../../../protocol/partition-frames.ts";
import type { Rate } from "../../../protocol/stream.ts";

export class FakeEdge {
  readonly feeds = new Map<string, Feed>();
  readonly partition = new PartitionTap();
  readonly server: WebSocketServer;

  constructor(server: WebSocketServer) {
    this.server = server;
    server.on("connection", (socket, { url = "" }) => {
      if (url === "/v1/ingest/upbit/partitions/0") this.partition.accept(socket);
      else this.feed(decodeURIComponent(url.split("/").at(-1) ?? "")).accept(socket);
    });
  }

  static async start(): Promise<FakeEdge> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    const edge = new FakeEdge(server);
    await once(server, "listening");
    return edge;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  feed(symbol: string): Feed {
    const known = this.feeds.get(symbol) ?? new Feed();
    this.feeds.set(symbol, known);
    return known;
  }

  async stop(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((done) => this.server.close(done));
  }
}

/** A feed that has stored nothing yet; acks what it is sent unless it is told not to. */
class Feed {
  acks = true;
  refuses = false;
  rates: Rate[] = ["raw"];
  /** What the pusher said besides its batches. */
  readonly told: object[] = [];
  epoch: string | null = null;
  seq = 0;
  connections = 0;
  socket: WebSocket | undefined;
  readonly seen: number[] = [];
  readonly gaps: Gap[] = [];

  accept(socket: WebSocket): void {
    this.socket = socket;
    if (this.refuses) {
      socket.send(JSON.stringify({ op: "error", code: "unknown_instrument" }), () => {
        this.connections += 1;
        socket.close(4204);
      });
      return;
    }
    this.connections += 1;
    socket.on("message", (data) => {
      const frame = publisherFrame.parse(JSON.parse(String(data)));
      if (frame.op === "ticks") this.#take(frame);
      else this.told.push(frame);
    });
    this.#say({ op: "ready", epoch: this.epoch, seq: this.seq, rates: this.rates });
  }

  #take({ epoch, prev, events }: TicksFrame): void {
    if (prev > this.seq) throw new Error(`a hole between ${this.seq} and ${prev}`);
    for (const { seq, event } of events) {
      if (seq <= this.seq) continue;
      if (event.type === "gap") this.gaps.push(gapOf(event));
      this.seen.push(seq);
      this.seq = seq;
    }
    if (events.length > 0) this.epoch = epoch;
    if (this.acks) this.ackAll();
  }

  ackAll(): void {
    if (this.epoch !== null) this.#say({ op: "ack", epoch: this.epoch, seq: this.seq, dirty: false });
  }

  #say(frame: object): void {
    this.socket?.send(JSON.stringify(frame));
  }
}

/** A partition's feed that nobody listens to: it says what it is told to say. */
export class PartitionTap {
  socket: WebSocket | undefined;
  connections = 0;
  readonly seen: PartitionFrame[] = [];

  accept(socket: WebSocket): void {
    this.socket = socket;
    this.connections += 1;
    socket.on("message", (data) => this.seen.push(partitionFrame.parse(JSON.parse(String(data)))));
    this.say({ op: "ready", epoch: null, through: 0 });
  }

  say(frame: object): void {
    this.socket?.send(JSON.stringify(frame));
  }
}
