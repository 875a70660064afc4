/** Clients of many streams, which can lose their connections and come back with their positions. What they get is checked. */

import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import type { FailedStream } from "../../protocol/frames.ts";
import { EventReader } from "../../protocol/testing/event-reader.ts";
import { StreamChecker } from "./stream-checker.ts";

export interface ManyStreams {
  readonly checker: StreamChecker;
  /** Loses the connection; it comes back by itself, with its positions. */
  lose(): void;
  close(): void;
}

/** Over a socket. */
export class SocketStreams implements ManyStreams {
  readonly checker: StreamChecker;
  readonly #url: string;
  #socket: WebSocket | undefined;
  #wanted = true;

  /** @param url of the Worker, `http://…`. @param streams names and wildcards, canonical */
  constructor(url: string, streams: readonly string[]) {
    this.#url = `${url.replace(/^http/, "ws")}/v1/stream`;
    this.checker = new StreamChecker(streams);
    this.#connect();
  }

  lose(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#wanted = false;
    this.#socket?.terminate();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, { perMessageDeflate: false });
    this.#socket = socket;
    socket.on("message", (data) => {
      // It was given up: what comes all the same is not taken.
      if (socket.readyState !== WebSocket.OPEN) return;
      this.checker.take(String(data));
      if (hasFailed(String(data))) socket.terminate();
    });
    // A refused connection is closed as well.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (this.#wanted) setTimeout(() => this.#connect(), 50);
    });
    socket.on("open", () => {
      const from = Object.fromEntries(this.checker.positions);
      socket.send(JSON.stringify({ op: "subscribe", id: 1, streams: this.checker.streams, from }));
    });
  }
}

/** Whether a stream has failed for the time being. Positions told from here on are those of the others: it comes back at once. */
function hasFailed(text: string): boolean {
  const frame: { failed?: FailedStream[] } = JSON.parse(text);
  return (frame.failed ?? []).some(({ error }) => error.retryable);
}

/** Over server-sent events: all that it comes back with is the last id. */
export class EventStreams implements ManyStreams {
  readonly checker: StreamChecker;
  readonly #url: string;
  #connection = new AbortController();
  #lastEventId = "";
  #wanted = true;

  /** @param url of the Worker, `http://…`. @param streams names and wildcards, canonical */
  constructor(url: string, streams: readonly string[]) {
    this.#url = `${url}/v1/sse?streams=${streams.map(encodeURIComponent).join()}`;
    this.checker = new StreamChecker(streams);
    void this.#run();
  }

  lose(): void {
    this.#connection.abort();
  }

  close(): void {
    this.#wanted = false;
    this.#connection.abort();
  }

  async #run(): Promise<void> {
    while (this.#wanted) {
      this.#connection = new AbortController();
      try {
        await this.#read(this.#connection.signal);
      } catch (error) {
        // `fetch` throws a TypeError where the connection is refused or lost; a status, or what is no event, is a fault.
        const isLost = this.#connection.signal.aborted || error instanceof TypeError;
        if (!isLost) this.checker.faults.push(String(error));
      }
      await sleep(50);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const headers = this.#lastEventId === "" ? {} : { "Last-Event-ID": this.#lastEventId };
    const { status, body } = await fetch(this.#url, { headers, signal });
    if (status !== 200 || body === null) throw new Error(`/v1/sse answers ${status}`);
    // An event that was cut off is none.
    const events = new EventReader((text) => this.checker.take(text));
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      if (signal.aborted) break;
      events.take(chunk);
      this.#lastEventId = events.lastEventId || this.#lastEventId;
    }
  }
}
