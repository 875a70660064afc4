/** A WebSocket for tests: frames are waited for, never slept for. */

import type { z } from "zod";
import { type ServerFrame, serverFrame } from "../../protocol/frames.ts";
import { type FeedFrame, feedFrame } from "../../protocol/ingest.ts";
import { type PartitionReply, partitionReply } from "../../protocol/partition-frames.ts";

interface Fetches {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

interface Waiter {
  readonly op: string;
  readonly found: (frame: never) => void;
}

const PATIENCE = 12_000;

export class TestSocket<F extends { readonly op: string }> {
  readonly ws: WebSocket;
  /** Everything that came, in order. */
  readonly seen: F[] = [];
  /** What closed it. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #unread: F[] = [];
  #waiters: Waiter[] = [];

  constructor(ws: WebSocket, schema: z.ZodType<F>) {
    this.ws = ws;
    this.closed = new Promise((resolve) => {
      ws.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
    ws.addEventListener("message", ({ data }) => this.#take(schema.parse(JSON.parse(String(data)))));
    ws.accept();
  }

  send(frame: object): void {
    this.ws.send(JSON.stringify(frame));
  }

  /** The first frame of this kind that was not asked for yet; others stay unread. */
  next<O extends F["op"]>(op: O): Promise<Extract<F, { op: O }>> {
    const at = this.#unread.findIndex((frame) => frame.op === op);
    if (at >= 0) return Promise.resolve(this.#unread.splice(at, 1)[0] as Extract<F, { op: O }>);
    return new Promise((found, fail) => {
      const timer = setTimeout(
        () => fail(new Error(`no ${op} came; unread: ${JSON.stringify(this.#unread)}`)),
        PATIENCE,
      );
      this.#waiters.push({
        op,
        found: (frame) => {
          clearTimeout(timer);
          found(frame);
        },
      });
    });
  }

  /** Skips what has come so far. */
  skip(): void {
    this.#unread = [];
  }

  /** Kinds of the frames so far, in order. */
  get ops(): string[] {
    return this.seen.map(({ op }) => op);
  }

  #take(frame: F): void {
    this.seen.push(frame);
    const waiter = this.#waiters.find(({ op }) => op === frame.op);
    if (waiter === undefined) {
      this.#unread.push(frame);
      return;
    }
    this.#waiters = this.#waiters.filter((one) => one !== waiter);
    waiter.found(frame as never);
  }
}

export type Client = TestSocket<ServerFrame>;

/** A client's socket. */
export async function openClient(to: Fetches, url: string, headers = {}): Promise<Client> {
  return new TestSocket(await upgrade(to, url, headers), serverFrame);
}

/** A pusher's socket at a feed. */
export async function openPublisher(to: Fetches, url: string, headers = {}): Promise<TestSocket<FeedFrame>> {
  return new TestSocket(await upgrade(to, url, headers), feedFrame);
}

/** A pusher's socket at a partition's feed. */
export async function openPartitionPublisher(
  to: Fetches,
  url: string,
  headers = {},
): Promise<TestSocket<PartitionReply>> {
  return new TestSocket(await upgrade(to, url, headers), partitionReply);
}

export async function upgrade(to: Fetches, url: string, headers = {}): Promise<WebSocket> {
  const response = await to.fetch(url, { headers: { ...headers, Upgrade: "websocket" } });
  if (response.webSocket === null) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.webSocket;
}

/** Answered by the object itself (the exact ping text would be answered without it): everything before has come. */
export async function barrier(client: Client): Promise<void> {
  client.ws.send('{"op": "ping"}');
  await client.next("pong");
}
