/**
 * The client sockets of a feed. They hibernate: what each of them listens to stands in its attachment; the map and the index
 * here are only copies, made anew whenever the object wakes (tags can't serve: they are fixed when a socket is accepted).
 */

import { ProtocolError } from "../protocol/errors.ts";
import type { DataItem, ServerFrame } from "../protocol/frames.ts";
import { RATES, type Rate } from "../protocol/stream.ts";
import { Backpressure, type Sent } from "./backpressure.ts";
import type { Outgoing } from "./feed-core.ts";
import { LINE_NAMES, type LineName, rateOf } from "./lines.ts";
import { refuse } from "./sockets.ts";
import { SubscriptionIndex } from "./subscription-index.ts";

/** What a client socket carries through hibernation. */
interface ClientAttachment {
  readonly session: string;
  /** The lines it listens to. `first` replaces `prev` of the next item: a client that resumed where nothing had been missed. */
  lines: Partial<Record<LineName, { first?: number }>>;
}

const TAG = "client";
/** How a socket that the Worker asks about is doing; of an `absent` client there was never a sign. */
export type Standing = "open" | "absent" | "closing" | "gone";

/** A client that has pinged once and then stays silent for this long, ms, is taken for dead. */
const SILENCE = 120_000;

export class ClientSockets {
  readonly #ctx: DurableObjectState;
  readonly #clients = new Map<WebSocket, ClientAttachment>();
  readonly #index = new SubscriptionIndex<LineName>();
  readonly #backpressure = new Backpressure();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const ws of ctx.getWebSockets(TAG)) {
      if (ws.readyState !== WebSocket.OPEN) continue;
      const client = ws.deserializeAttachment() as ClientAttachment;
      this.#clients.set(ws, client);
      for (const line of linesOf(client)) this.#index.add(line, ws);
    }
  }

  get all(): Iterable<WebSocket> {
    return this.#clients.keys();
  }

  has(ws: WebSocket): boolean {
    return this.#clients.has(ws);
  }

  /** @returns false for one that was sent away at once, because so much waits for those who are there already */
  accept(ws: WebSocket, session: string): boolean {
    this.#ctx.acceptWebSocket(ws, [TAG, session]);
    this.#save(ws, { session, lines: {} });
    this.dropSlow(Date.now());
    if (!this.#backpressure.crowded) return true;
    this.dismiss(ws, new ProtocolError("overloaded", "too much waits for others here: come back later"));
    return false;
  }

  standing(session: string): Standing {
    const [ws] = this.#ctx.getWebSockets(session);
    if (ws === undefined || ws.readyState === WebSocket.CLOSED) return "gone";
    if (ws.readyState !== WebSocket.OPEN) return "closing";
    return this.#backpressure.wasPresent(ws, Date.now()) ? "open" : "absent";
  }

  /** Forgets a socket that is gone, or about to be closed: nothing more is sent to it. */
  remove(ws: WebSocket): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    for (const line of linesOf(client)) this.#index.remove(line, ws);
    this.#clients.delete(ws);
  }

  /** @param first the position the client resumed from, if its next item must continue that instead of the line's own */
  subscribe(ws: WebSocket, line: LineName, first?: number): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    client.lines[line] = first === undefined ? {} : { first };
    this.#index.add(line, ws);
    this.#save(ws, client);
  }

  /** @returns whether the client had that line */
  unsubscribe(ws: WebSocket, line: LineName): boolean {
    const client = this.#clients.get(ws);
    if (client?.lines[line] === undefined) return false;
    delete client.lines[line];
    this.#index.remove(line, ws);
    this.#save(ws, client);
    return true;
  }

  listening(line: LineName): boolean {
    return this.#index.has(line);
  }

  /** The rates that anyone listens to, what the pusher must keep to, in the order of {@link RATES}. */
  rates(): Rate[] {
    const rates = new Set([...this.#index.keys].map(rateOf));
    return RATES.filter((rate) => rates.has(rate));
  }

  /**
   * Sends every listener its items in one frame. An item is serialised once, a frame once for each set of lines; only those
   * who listen to something of it are looked at.
   */
  deliver(outgoing: Outgoing): void {
    const batch = [...outgoing].filter(([line]) => this.#index.has(line));
    const encoded = new Map(batch.map(([line, items]) => [line, items.map((item) => JSON.stringify(item))]));
    const frames = new Map<string, string>();
    const names = batch.map(([line]) => line);
    const now = Date.now();
    for (const line of names) {
      for (const ws of this.#index.listeners(line)) {
        const client = this.#clients.get(ws);
        if (client === undefined) continue;
        const lines = names.length === 1 ? names : names.filter((name) => client.lines[name] !== undefined);
        // Who listens to several lines gets them all with the first one.
        if (lines[0] !== line) continue;
        this.#send(ws, this.#resumedFrame(ws, client, lines, outgoing) ?? sharedFrame(lines, encoded, frames), now);
      }
    }
  }

  /** Sends the same frame to everyone. */
  broadcast(frame: ServerFrame): void {
    const text = JSON.stringify(frame);
    const now = Date.now();
    for (const ws of this.#clients.keys()) this.#send(ws, text, now);
  }

  /** Sends a client what it asked for all at once, in several frames. */
  sendAtOnce(ws: WebSocket, frames: readonly ServerFrame[]): void {
    const texts = frames.map((frame) => JSON.stringify(frame));
    this.#judge(ws, this.#backpressure.sendAtOnce(ws, texts, Date.now()));
  }

  /** Whether no more waits for a client, which has just sent something, than may. */
  keepsUp(ws: WebSocket): boolean {
    return this.#backpressure.keepsUp(ws, Date.now());
  }

  /** A client has answered a probe. */
  probeAnswered(ws: WebSocket, id: number): void {
    this.#backpressure.answered(ws, id, Date.now());
  }

  /** Closes those that hold up too much, or have never been there. @param now ms */
  dropSlow(now: number): void {
    const slow = this.#backpressure.sweep(() => this.#ctx.getWebSockets(TAG), now);
    for (const ws of slow) this.#judge(ws, "slow");
  }

  /** Sends a client away, with the reason. */
  dismiss(ws: WebSocket, error: ProtocolError): void {
    this.remove(ws);
    refuse(ws, error);
  }

  /** Sends everyone away, with the reason. */
  dismissAll(error: ProtocolError): void {
    for (const ws of this.#clients.keys()) this.dismiss(ws, error);
  }

  /** Closes those that used to ping and have stopped: pings are answered by the runtime, which keeps the time. */
  dropSilent(now: number): void {
    for (const ws of this.#clients.keys()) {
      const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime();
      if (pinged !== undefined && now - pinged > SILENCE) {
        this.remove(ws);
        ws.close(4000, "no ping for two minutes");
      }
    }
  }

  /** A frame of its own for a client whose next item of a line continues not the line's position but its own. */
  #resumedFrame(
    ws: WebSocket,
    client: ClientAttachment,
    lines: readonly LineName[],
    outgoing: Outgoing,
  ): string | undefined {
    if (lines.every((line) => client.lines[line]?.first === undefined)) return undefined;
    const items = lines.flatMap((line) => continued(outgoing.get(line) ?? [], client.lines[line]?.first));
    for (const line of lines) client.lines[line] = {};
    this.#save(ws, client);
    return dataFrame(items.map((item) => JSON.stringify(item)));
  }

  #send(ws: WebSocket, text: string, now: number): void {
    this.#judge(ws, this.#backpressure.send(ws, text, now));
  }

  /** Closing loses nothing: whoever comes back resumes from the last item that it has read. */
  #judge(ws: WebSocket, sent: Sent): void {
    if (sent === "gone") this.remove(ws);
    if (sent !== "slow") return;
    this.dismiss(ws, new ProtocolError("slow_consumer", "this connection takes less than it is sent: resume"));
  }

  #save(ws: WebSocket, client: ClientAttachment): void {
    this.#clients.set(ws, client);
    ws.serializeAttachment(client);
  }
}

function linesOf({ lines }: ClientAttachment): LineName[] {
  return LINE_NAMES.filter((line) => lines[line] !== undefined);
}

/** The items with the first one's `prev` set to `first`, where that is given. A snapshot continues nothing. */
function continued(items: readonly DataItem[], first: number | undefined): readonly DataItem[] {
  const [head, ...rest] = items;
  if (head === undefined || first === undefined || head.snapshot) return items;
  return [{ ...head, prev: first }, ...rest];
}

/** The frame of all who listen to just these lines of what goes out, made once. */
function sharedFrame(
  lines: readonly LineName[],
  encoded: ReadonlyMap<LineName, readonly string[]>,
  frames: Map<string, string>,
): string {
  const key = lines.join();
  const frame = frames.get(key) ?? dataFrame(lines.flatMap((line) => encoded.get(line) ?? []));
  frames.set(key, frame);
  return frame;
}

function dataFrame(items: readonly string[]): string {
  return `{"op":"data","data":[${items.join(",")}]}`;
}
