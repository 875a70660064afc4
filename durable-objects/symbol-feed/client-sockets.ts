/**
 * The client sockets of a feed. They hibernate: what each of them listens to stands in its attachment; the map and the index
 * here are only copies, made anew whenever the object wakes (tags can't serve: they are fixed when a socket is accepted).
 */

import type { ServerFrame } from "../../protocol/frames.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import type { Arrival } from "../clients/arrival.ts";
import type { MeteredSocket } from "../clients/metered-socket.ts";
import { SocketPool } from "../clients/socket-pool.ts";
import { EdgeCounters } from "../edge-counters.ts";
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

/** A client as the object has it in memory. */
interface Client {
  readonly socket: MeteredSocket;
  readonly attachment: ClientAttachment;
  /** Whether the next item of one of its streams continues the client's own position. */
  resumes: boolean;
}

export class ClientSockets {
  readonly pool: SocketPool;
  readonly counters = new EdgeCounters(() => ({ clients: this.pool.size, streams: this.#index.size }));
  readonly #clients = new Map<WebSocket, Client>();
  readonly #index = new SubscriptionIndex<StreamKey, Client>();

  constructor(ctx: DurableObjectState) {
    this.pool = new SocketPool(ctx, this.counters, ({ ws }) => this.#onRemoved(ws));
    for (const socket of this.pool.all) this.#add(socket, socket.ws.deserializeAttachment() as ClientAttachment);
  }

  /** @returns false for one that was sent away at once */
  accept(ws: WebSocket, arrival: Arrival): boolean {
    const attachment: ClientAttachment = { session: arrival.session, streams: {} };
    const socket = this.pool.accept(ws, arrival, attachment);
    if (socket !== undefined) this.#add(socket, attachment);
    return socket !== undefined;
  }

  /** @param from the position the client resumed from, if its next item must continue that instead of the stream's own */
  subscribe(ws: WebSocket, key: StreamKey, from?: number): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    client.attachment.streams[key] = from === undefined ? {} : { from };
    this.#index.add(key, client);
    save(client);
  }

  /** @returns whether the client had that stream */
  unsubscribe(ws: WebSocket, key: StreamKey): boolean {
    const client = this.#clients.get(ws);
    if (client?.attachment.streams[key] === undefined) return false;
    delete client.attachment.streams[key];
    this.#index.remove(key, client);
    save(client);
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

  /** Sends the same frame to everyone. */
  broadcast(frame: ServerFrame): void {
    this.pool.broadcast(JSON.stringify(frame), Date.now());
  }

  /** The usual case at `raw`, and the hot one: one frame for all, and nothing but a send for each. */
  #deliverOne(key: StreamKey, outgoing: Outgoing, now: number): void {
    const items = outgoing.get(key) ?? [];
    const frame = dataFrame(items);
    let sent = 0;
    for (const client of this.#index.listeners(key)) {
      if (client.resumes) this.#continue(client, [key], outgoing, now);
      else if (client.socket.sendWithin(frame) === true || this.pool.send(client.socket, frame, now)) sent += 1;
    }
    this.counters.items += sent * items.length;
  }

  /** Who listens to several of the streams gets them all with the first one. */
  #deliverSeveral(keys: readonly StreamKey[], outgoing: Outgoing, now: number): void {
    const frames = new Map<string, SharedFrame>();
    for (const key of keys) {
      for (const client of this.#index.listeners(key)) {
        const own = keys.filter((one) => client.attachment.streams[one] !== undefined);
        if (own[0] !== key) continue;
        if (client.resumes) this.#continue(client, own, outgoing, now);
        else this.#send(client, sharedFrame(own, outgoing, frames), now);
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
    save(client);
    this.#send(client, { text: dataFrame(items), items: items.length }, now);
  }

  #send({ socket }: Client, { text, items }: SharedFrame, now: number): void {
    if (this.pool.send(socket, text, now)) this.counters.items += items;
  }

  #add(socket: MeteredSocket, attachment: ClientAttachment): void {
    const client = { socket, attachment, resumes: resumes(attachment) };
    this.#clients.set(socket.ws, client);
    for (const key of streamsOf(attachment)) this.#index.add(key, client);
  }

  #onRemoved(ws: WebSocket): void {
    const client = this.#clients.get(ws);
    if (client === undefined) return;
    for (const key of streamsOf(client.attachment)) this.#index.remove(key, client);
    this.#clients.delete(ws);
  }
}

function save(client: Client): void {
  client.resumes = resumes(client.attachment);
  client.socket.ws.serializeAttachment(client.attachment);
}

function streamsOf({ streams }: ClientAttachment): StreamKey[] {
  return STREAM_KEYS.filter((key) => streams[key] !== undefined);
}

function resumes({ streams }: ClientAttachment): boolean {
  return Object.values(streams).some(({ from }) => from !== undefined);
}

/** A frame and how many items are in it. */
interface SharedFrame {
  readonly text: string;
  readonly items: number;
}

/** The frame of all who listen to just these streams of what goes out, made once. */
function sharedFrame(keys: readonly StreamKey[], outgoing: Outgoing, frames: Map<string, SharedFrame>): SharedFrame {
  const name = keys.join();
  const known = frames.get(name);
  if (known !== undefined) return known;
  const items = keys.flatMap((key) => outgoing.get(key) ?? []);
  const frame = { text: dataFrame(items), items: items.length };
  frames.set(name, frame);
  return frame;
}
