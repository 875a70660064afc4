/** A WebSocket for tests: frames are waited for, never slept for. */

import type { z } from "zod";
import { type ServerFrame, serverFrame } from "../../protocol/frames.ts";
import { type FeedFrame, feedFrame } from "../../protocol/ingest.ts";
import { type PartitionReply, partitionReply } from "../../protocol/partition-frames.ts";
import { FrameInbox } from "./frame-inbox.ts";

interface Fetches {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

export class TestSocket<F extends { readonly op: string }> {
  readonly ws: WebSocket;
  /** What closed it. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #inbox = new FrameInbox<F>();

  constructor(ws: WebSocket, schema: z.ZodType<F>) {
    this.ws = ws;
    this.closed = new Promise((resolve) => {
      ws.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
    });
    ws.addEventListener("message", ({ data }) => this.#inbox.put(schema.parse(JSON.parse(String(data)))));
    ws.accept();
  }

  send(frame: object): void {
    this.ws.send(JSON.stringify(frame));
  }

  /** Everything that came, in order. */
  get seen(): readonly F[] {
    return this.#inbox.seen;
  }

  /** The first frame of this kind that was not asked for yet; others stay unread. */
  next<O extends F["op"]>(op: O): Promise<Extract<F, { op: O }>> {
    return this.#inbox.next((frame): frame is Extract<F, { op: O }> => frame.op === op, op);
  }

  /** Skips what has come so far. */
  skip(): void {
    this.#inbox.skip();
  }

  /** Kinds of the frames so far, in order. */
  get ops(): string[] {
    return this.seen.map(({ op }) => op);
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
