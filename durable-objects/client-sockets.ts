/**
 * The client sockets of a feed. They hibernate: what each of them listens to stands in its attachment; the map and the index
 * here are only copies, made anew whenever the object wakes (tags can't serve: they are fixed when a socket is accepted).
 */

import { ProtocolError } from "../protocol/errors.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import { RATES, type Rate } from "../protocol/stream.ts";
import { Backpressure, type Sent } from "./backpressure.ts";
import type { Outgoing } from "./feed-core.ts";
import { dataFrame, itemsAfter } from "./item.ts";
import { refuse } from "./sockets.ts";
import { rateOf, STREAM_KEYS, type StreamKey } from "./stream-key.ts";
import { SubscriptionIndex } from "./subscription-index.ts";

/** What a client socket carries through hibernation. */
interface ClientAttachment {
  readonly session: string;
  /**
   * The streams it listens to. `from`: it has resumed from there, and not where the stream stood; its next item continues
   * that position and leaves out what it has.
   */
  streams: Partial<Record<StreamKey, { from?: number }>>;
}

const TAG = "client";
/** How a socket that the Worker asks about is doing; of an `absent` client there was never a sign. */
export type Standing = "open" | "absent" | "closing" | "gone";

/** A client that has pinged once and then stays silent for this long, ms, is taken for dead. */
const SILENCE = 120_000;

export class ClientSockets {
  readonly #ctx: DurableObjectState;
  readonly #clients = new Map<WebSocket, ClientAttachment>();
  readonly #index = new SubscriptionIndex<StreamKey>();
  readonly #backpressure = new Backpressure();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const ws of ctx.getWebSockets(TAG)) {
      if (ws.readyState !== WebSocket.OPEN) continue;
      const client = ws.deserializeAttachment() as ClientAttachment;
      this.#clients.set(ws, client);
      for (const key of streamsOf(client)) this.#index.add(key, ws);
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
    this.#save(ws, { session, streams: {} });
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
    for (const key of streamsOf(client)) this.#index.remove(key, ws);
    this.#clients.delete(ws);
  }

  /** @param from the position the client resumed from, if its next item must continue that instead of the stream's own */
  subscribe(ws: WebSocket, key: StreamKey, from?: number): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    client.streams[key] = from === undefined ? {} : { from };
    this.#index.add(key, ws);
    this.#save(ws, client);
  }

  /** @returns whether the client had that stream */
  unsubscribe(ws: WebSocket, key: StreamKey): boolean {
    const client = this.#clients.get(ws);
    if (client?.streams[key] === undefined) return false;
    delete client.streams[key];
    this.#index.remove(key, ws);
    this.#save(ws, client);
    return true;
  }

  listening(key: StreamKey): boolean {
    return this.#index.has(key);
  }

  /** The rates that anyone listens to, what the pusher must keep to, in the order of {@link RATES}. */
  rates(): Rate[] {
    const rates = new Set([...this.#index.keys].map(rateOf));
    return RATES.filter((rate) => rates.has(rate));
  }

  /**
   * Sends every listener its items in one frame. An item is serialised once, a frame once for each set of streams; only those
   * who listen to something of it are looked at.
   */
  deliver(outgoing: Outgoing): void {
    const keys = [...outgoing.keys()].filter((key) => this.#index.has(key));
    const frames = new Map<string, string>();
    const now = Date.now();
    for (const key of keys) {
      // A batch of one stream, the usual case at `raw`, has one frame for all.
      const shared = keys.length === 1 ? sharedFrame(keys, outgoing, frames) : undefined;
      for (const ws of this.#index.listeners(key)) {
        const client = this.#clients.get(ws);
        if (client === undefined) continue;
        const own = shared === undefined ? keys.filter((one) => client.streams[one] !== undefined) : keys;
        // Who listens to several streams gets them all with the first one.
        if (own[0] !== key) continue;
        if (resumes(client, own)) this.#continue(ws, client, own, outgoing, now);
        else this.#send(ws, shared ?? sharedFrame(own, outgoing, frames), now);
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
  sendAtOnce(ws: WebSocket, texts: readonly string[]): void {
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

  /** Sends a client of its own what it does not have yet. */
  #continue(
    ws: WebSocket,
    client: ClientAttachment,
    keys: readonly StreamKey[],
    outgoing: Outgoing,
    now: number,
  ): void {
    const items = keys.flatMap((key) => {
      const from = client.streams[key]?.from;
      const all = outgoing.get(key) ?? [];
      const fresh = from === undefined ? all : itemsAfter(all, from);
      if (fresh.length > 0) client.streams[key] = {};
      return fresh;
    });
    if (items.length === 0) return;
    this.#save(ws, client);
    this.#send(ws, dataFrame(items), now);
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

function streamsOf({ streams }: ClientAttachment): StreamKey[] {
  return STREAM_KEYS.filter((key) => streams[key] !== undefined);
}

/** Whether the next item of one of these continues the client's own position. */
function resumes({ streams }: ClientAttachment, keys: readonly StreamKey[]): boolean {
  for (const key of keys) if (streams[key]?.from !== undefined) return true;
  return false;
}

/** The frame of all who listen to just these streams of what goes out, made once. */
function sharedFrame(keys: readonly StreamKey[], outgoing: Outgoing, frames: Map<string, string>): string {
  const name = keys.join();
  const known = frames.get(name);
  if (known !== undefined) return known;
  const frame = dataFrame(keys.flatMap((key) => outgoing.get(key) ?? []));
  frames.set(name, frame);
  return frame;
}
