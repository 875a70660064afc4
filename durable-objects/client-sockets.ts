/**
 * The client sockets of a feed. They hibernate: what each of them listens to stands in its attachment, and the map here is
 * only a copy, made anew whenever the object wakes (tags can't serve: they are fixed when a socket is accepted).
 */

import type { ProtocolError } from "../protocol/errors.ts";
import type { DataItem, ServerFrame } from "../protocol/frames.ts";
import type { Rate } from "../protocol/stream.ts";
import type { Outgoing } from "./feed-core.ts";
import { LINE_NAMES, type LineName, rateOf } from "./lines.ts";
import { refuse, sendOrDrop } from "./sockets.ts";

/** What a client socket carries through hibernation. */
interface ClientAttachment {
  readonly session: string;
  /** The lines it listens to. `first` replaces `prev` of the next item: a client that resumed where nothing had been missed. */
  lines: Partial<Record<LineName, { first?: number }>>;
}

const TAG = "client";
/** A client that has pinged once and then stays silent for this long, ms, is taken for dead. */
const SILENCE = 120_000;

export class ClientSockets {
  readonly #ctx: DurableObjectState;
  readonly #clients = new Map<WebSocket, ClientAttachment>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const ws of ctx.getWebSockets(TAG)) {
      if (ws.readyState === WebSocket.OPEN) this.#clients.set(ws, ws.deserializeAttachment() as ClientAttachment);
    }
  }

  get all(): Iterable<WebSocket> {
    return this.#clients.keys();
  }

  has(ws: WebSocket): boolean {
    return this.#clients.has(ws);
  }

  accept(ws: WebSocket, session: string): void {
    this.#ctx.acceptWebSocket(ws, [TAG]);
    this.#save(ws, { session, lines: {} });
  }

  remove(ws: WebSocket): void {
    this.#clients.delete(ws);
  }

  /** @param first the position the client resumed from, if its next item must continue that instead of the line's own */
  subscribe(ws: WebSocket, line: LineName, first?: number): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    client.lines[line] = first === undefined ? {} : { first };
    this.#save(ws, client);
  }

  /** @returns whether the client had that line */
  unsubscribe(ws: WebSocket, line: LineName): boolean {
    const client = this.#clients.get(ws);
    if (client?.lines[line] === undefined) return false;
    delete client.lines[line];
    this.#save(ws, client);
    return true;
  }

  listening(line: LineName): boolean {
    for (const client of this.#clients.values()) if (client.lines[line] !== undefined) return true;
    return false;
  }

  /** The rates that anyone listens to: what the pusher must keep to. */
  rates(): Rate[] {
    const rates = LINE_NAMES.filter((line) => this.listening(line)).map(rateOf);
    return [...new Set(rates)];
  }

  /** Sends every listener its items in one frame. An item is serialised once, a frame once for each set of lines. */
  deliver(outgoing: Outgoing): void {
    if (outgoing.size === 0) return;
    const encoded = new Map([...outgoing].map(([line, items]) => [line, items.map((item) => JSON.stringify(item))]));
    const frames = new Map<string, string>();
    for (const [ws, client] of this.#clients) {
      const lines = [...outgoing.keys()].filter((line) => client.lines[line] !== undefined);
      if (lines.length === 0) continue;
      const resumed = lines.filter((line) => client.lines[line]?.first !== undefined);
      if (resumed.length > 0) {
        this.#send(ws, dataFrame(lines.flatMap((line) => this.#continued(client, line, outgoing.get(line) ?? []))));
        this.#save(ws, client);
        continue;
      }
      const key = lines.join();
      const frame = frames.get(key) ?? dataFrame(lines.flatMap((line) => encoded.get(line) ?? []));
      frames.set(key, frame);
      this.#send(ws, frame);
    }
  }

  /** Sends the same frame to everyone. */
  broadcast(frame: ServerFrame): void {
    const text = JSON.stringify(frame);
    for (const ws of this.#clients.keys()) this.#send(ws, text);
  }

  /** Sends everyone away, with the reason. */
  dismissAll(error: ProtocolError): void {
    for (const ws of this.#clients.keys()) refuse(ws, error);
    this.#clients.clear();
  }

  /** Closes those that used to ping and have stopped: pings are answered by the runtime, which keeps the time. */
  dropSilent(now: number): void {
    for (const ws of this.#clients.keys()) {
      const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime();
      if (pinged !== undefined && now - pinged > SILENCE) {
        this.#clients.delete(ws);
        ws.close(4000, "no ping for two minutes");
      }
    }
  }

  /** The items of a line for a client whose next item continues its own position. */
  #continued(client: ClientAttachment, line: LineName, items: DataItem[]): string[] {
    const first = client.lines[line]?.first;
    client.lines[line] = {};
    return items.map((item, i) =>
      JSON.stringify(i === 0 && first !== undefined && !item.snapshot ? { ...item, prev: first } : item),
    );
  }

  #send(ws: WebSocket, text: string): void {
    if (!sendOrDrop(ws, text)) this.#clients.delete(ws);
  }

  #save(ws: WebSocket, client: ClientAttachment): void {
    this.#clients.set(ws, client);
    ws.serializeAttachment(client);
  }
}

function dataFrame(items: readonly string[]): string {
  return `{"op":"data","data":[${items.join(",")}]}`;
}
