/**
 * The client sockets of a feed. They hibernate: what each of them listens to stands in its attachment; the map and the index
 * here are only copies, made anew whenever the object wakes (tags can't serve: they are fixed when a socket is accepted).
 */

import { ProtocolError } from "../../protocol/errors.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { Backpressure, type Sent } from "../clients/backpressure.ts";
import { MeteredSocket } from "../clients/metered-socket.ts";
import { refuse } from "../sockets.ts";
import { dataFrame, itemsAfter } from "../streams/item.ts";
import { rateOf, STREAM_KEYS, type StreamKey } from "../streams/stream-key.ts";
import { SubscriptionIndex } from "../streams/subscription-index.ts";
import type { Outgoing } from "./feed-core.ts";

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

/** A client as the object has it in memory. */
interface Client {
  readonly socket: MeteredSocket;
  readonly attachment: ClientAttachment;
  /** Whether the next item of one of its streams continues the client's own position. */
  resumes: boolean;
}

export class ClientSockets {
  readonly #ctx: DurableObjectState;
  readonly #clients = new Map<WebSocket, Client>();
  readonly #index = new SubscriptionIndex<StreamKey, Client>();
  /** Those that were sent away and may still hold what they have not taken. */
  readonly #closing = new Set<MeteredSocket>();
  readonly #backpressure = new Backpressure();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const ws of ctx.getWebSockets(TAG)) {
      if (ws.readyState === WebSocket.OPEN) this.#add(ws, ws.deserializeAttachment() as ClientAttachment);
      else this.#closing.add(new MeteredSocket(ws, Date.now()));
    }
  }

  has(ws: WebSocket): boolean {
    return this.#clients.has(ws);
  }

  /** @returns false for one that was sent away at once, because so much waits for those who are there already */
  accept(ws: WebSocket, session: string): boolean {
    this.#ctx.acceptWebSocket(ws, [TAG, session]);
    this.#save(this.#add(ws, { session, streams: {} }));
    this.dropSlow(Date.now());
    if (!this.#backpressure.crowded) return true;
    this.dismiss(ws, new ProtocolError("overloaded", "too much waits for others here: come back later"));
    return false;
  }

  standing(session: string): Standing {
    const [ws] = this.#ctx.getWebSockets(session);
    if (ws === undefined || ws.readyState === WebSocket.CLOSED) return "gone";
    const client = this.#clients.get(ws);
    if (ws.readyState !== WebSocket.OPEN || client === undefined) return "closing";
    return this.#backpressure.wasPresent(client.socket, Date.now()) ? "open" : "absent";
  }

  /** Forgets a socket that is gone, or about to be closed: nothing more is sent to it. */
  remove(ws: WebSocket): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    for (const key of streamsOf(client.attachment)) this.#index.remove(key, client);
    this.#clients.delete(ws);
  }

  /** @param from the position the client resumed from, if its next item must continue that instead of the stream's own */
  subscribe(ws: WebSocket, key: StreamKey, from?: number): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    client.attachment.streams[key] = from === undefined ? {} : { from };
    this.#index.add(key, client);
    this.#save(client);
  }

  /** @returns whether the client had that stream */
  unsubscribe(ws: WebSocket, key: StreamKey): boolean {
    const client = this.#clients.get(ws);
    if (client?.attachment.streams[key] === undefined) return false;
    delete client.attachment.streams[key];
    this.#index.remove(key, client);
    this.#save(client);
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
    const now = Date.now();
    const [only] = keys;
    if (only !== undefined && keys.length === 1) this.#deliverOne(only, outgoing, now);
    else this.#deliverSeveral(keys, outgoing, now);
  }

  /** The usual case at `raw`, and the hot one: one frame for all, and nothing but a send for each. */
  #deliverOne(key: StreamKey, outgoing: Outgoing, now: number): void {
    const frame = dataFrame(outgoing.get(key) ?? []);
    for (const client of this.#index.listeners(key)) {
      if (client.resumes) this.#continue(client, [key], outgoing, now);
      else if (client.socket.sendWithin(frame) !== true) this.#send(client.socket, frame, now);
    }
  }

  /** Who listens to several of the streams gets them all with the first one. */
  #deliverSeveral(keys: readonly StreamKey[], outgoing: Outgoing, now: number): void {
    const frames = new Map<string, string>();
    for (const key of keys) {
      for (const client of this.#index.listeners(key)) {
        const own = keys.filter((one) => client.attachment.streams[one] !== undefined);
        if (own[0] !== key) continue;
        if (client.resumes) this.#continue(client, own, outgoing, now);
        else this.#send(client.socket, sharedFrame(own, outgoing, frames), now);
      }
    }
  }

  /** Sends the same frame to everyone. */
  broadcast(frame: ServerFrame): void {
    const text = JSON.stringify(frame);
    const now = Date.now();
    for (const { socket } of this.#clients.values()) this.#send(socket, text, now);
  }

  /** Sends a client what it asked for all at once, in several frames. */
  sendAtOnce(ws: WebSocket, texts: readonly string[]): void {
    const client = this.#clients.get(ws);
    if (client !== undefined) this.#judge(ws, this.#backpressure.sendAtOnce(client.socket, texts, Date.now()));
  }

  /** Whether no more waits for a client, which has just sent something, than may. */
  keepsUp(ws: WebSocket): boolean {
    const client = this.#clients.get(ws);
    return client !== undefined && this.#backpressure.keepsUp(client.socket, Date.now());
  }

  /** A client has answered a probe. */
  probeAnswered(ws: WebSocket, id: number): void {
    const client = this.#clients.get(ws);
    if (client !== undefined) this.#backpressure.answered(client.socket, id, Date.now());
  }

  /** Closes those that hold up too much, or have never been there. @param now ms */
  dropSlow(now: number): void {
    for (const { socket, sent } of this.#backpressure.sweep(this.#sockets(), this.#closing, now)) {
      this.#judge(socket.ws, sent);
    }
  }

  /** Sends a client away, with the reason. */
  dismiss(ws: WebSocket, error: ProtocolError): void {
    const client = this.#clients.get(ws);
    if (client !== undefined) this.#closing.add(client.socket);
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
  #continue(client: Client, keys: readonly StreamKey[], outgoing: Outgoing, now: number): void {
    const { streams } = client.attachment;
    const items = keys.flatMap((key) => {
      const from = streams[key]?.from;
      const all = outgoing.get(key) ?? [];
      const fresh = from === undefined ? all : itemsAfter(all, from);
      if (fresh.length > 0) streams[key] = {};
      return fresh;
    });
    if (items.length === 0) return;
    this.#save(client);
    this.#send(client.socket, dataFrame(items), now);
  }

  #send(socket: MeteredSocket, text: string, now: number): void {
    this.#judge(socket.ws, this.#backpressure.send(socket, text, now));
  }

  /** Closing loses nothing: whoever comes back resumes from the last item that it has read. */
  #judge(ws: WebSocket, sent: Sent): void {
    if (sent === "gone") this.remove(ws);
    if (sent !== "slow") return;
    this.dismiss(ws, new ProtocolError("slow_consumer", "this connection takes less than it is sent: resume"));
  }

  #add(ws: WebSocket, attachment: ClientAttachment): Client {
    const client = { socket: new MeteredSocket(ws, Date.now()), attachment, resumes: resumes(attachment) };
    this.#clients.set(ws, client);
    for (const key of streamsOf(attachment)) this.#index.add(key, client);
    return client;
  }

  #save(client: Client): void {
    client.resumes = resumes(client.attachment);
    client.socket.ws.serializeAttachment(client.attachment);
  }

  *#sockets(): Iterable<MeteredSocket> {
    for (const { socket } of this.#clients.values()) yield socket;
  }
}

function streamsOf({ streams }: ClientAttachment): StreamKey[] {
  return STREAM_KEYS.filter((key) => streams[key] !== undefined);
}

function resumes({ streams }: ClientAttachment): boolean {
  return Object.values(streams).some(({ from }) => from !== undefined);
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
