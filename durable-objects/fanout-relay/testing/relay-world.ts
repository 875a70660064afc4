/** A relay between simulated feeds and checking clients, in which everything on its way waits until it is let through. */

import type { WantedStream } from "../../../protocol/frames.ts";
import { relayRequest } from "../../../protocol/relay-frames.ts";
import { RATES } from "../../../protocol/stream.ts";
import { EventReader } from "../../../protocol/testing/event-reader.ts";
import type { WireFormat } from "../../sockets.ts";
import type { OutgoingFrame } from "../outgoing-frames.ts";
import { RelayCore } from "../relay-core.ts";
import type { CheckingClient } from "./checking-client.ts";
import { MARKETS, PARTITIONS, SimulatedFeed } from "./simulated-feeds.ts";

/** What is on its way between the relay and one feed. */
interface Link {
  open: boolean;
  /** Whether the relay wants it. */
  wanted: boolean;
  readonly toFeed: string[];
  readonly toRelay: string[];
}

/** A connection; what is sent to one that has been left is nobody's. */
export interface Connection {
  readonly client: CheckingClient;
  /** What makes frames of server-sent events again, where the connection takes those. */
  readonly events: EventReader | undefined;
  open: boolean;
}

export class RelayWorld {
  /** Whether clients take what they are sent at once. */
  hasRoom = true;
  readonly core: RelayCore<Connection>;
  readonly feeds = new Map<string, SimulatedFeed>();
  readonly #links = new Map<string, Link>();
  /** Lets a test take something out of what clients are sent. */
  tamper: (text: string, connection: Connection) => string | undefined = (text) => text;
  /** Sees what readers of server-sent events are sent. */
  onEvents: (text: string) => void = () => undefined;
  now = 0;
  trace: (text: string) => void = () => undefined;

  /** @param ring offsets that a replay may reach back */
  constructor(ring: number) {
    for (const partition of PARTITIONS) {
      const link: Link = { open: false, wanted: false, toFeed: [], toRelay: [] };
      this.#links.set(partition, link);
      this.feeds.set(partition, new SimulatedFeed(partition, ring, (text) => link.toRelay.push(text)));
    }
    const send = (connection: Connection, frame: OutgoingFrame) => {
      if (!connection.open) return;
      if (connection.events !== undefined) {
        this.onEvents(frame.sse);
        connection.events.take(frame.sse);
      } else {
        const given = this.tamper(frame.json, connection);
        if (given !== undefined) connection.client.take(given);
      }
    };
    this.core = new RelayCore(
      () => MARKETS,
      { streams: 200, wildcards: 20 },
      {
        send,
        hasRoom: () => this.hasRoom,
        sendAtOnce: (connection, frames) => {
          for (const frame of frames) send(connection, frame);
        },
        close: (connection) => {
          connection.open = false;
        },
        dial: (partition) => {
          const link = this.#links.get(partition);
          if (link !== undefined) link.wanted = true;
        },
        hangUp: (partition) => {
          this.#cut(partition);
          const link = this.#links.get(partition);
          if (link !== undefined) link.wanted = false;
        },
        request: (partition, request) => this.#links.get(partition)?.toFeed.push(JSON.stringify(request)),
        resumed: () => undefined,
      },
    );
  }

  connect(
    client: CheckingClient,
    from: ReadonlyMap<string, number>,
    byStream: boolean,
    format: WireFormat = "json",
  ): Connection {
    client.reconnect(from, byStream);
    client.unattended = format === "sse";
    const events = format === "sse" ? new EventReader((text) => client.take(text)) : undefined;
    return { client, events, open: true };
  }

  subscribe(
    connection: Connection,
    streams: readonly WantedStream[],
    from: ReadonlyMap<string, number> = new Map(),
  ): void {
    const unattended = connection.events !== undefined;
    this.core.subscribe(connection, { id: 1, streams, from: Object.fromEntries(from), unattended }, this.now);
  }

  leave(connection: Connection): void {
    if (connection.open) this.core.remove(connection);
    connection.open = false;
  }

  /** Dials, where the relay wants it. */
  open(partition: string): void {
    const link = this.#links.get(partition);
    if (link === undefined || link.open || !link.wanted) return;
    link.open = true;
    this.feeds.get(partition)?.open();
    this.core.linkOpened(partition);
  }

  lose(partition: string): void {
    if (this.#links.get(partition)?.open !== true) return;
    this.#cut(partition);
    this.core.linkLost(partition);
  }

  /** Lets so many messages through, one each way in turn. @returns whether there were any */
  pump(partition: string, messages: number): boolean {
    const link = this.#links.get(partition);
    if (link === undefined) return false;
    let some = false;
    for (let i = 0; i < messages; i += 1) {
      const request = link.toFeed.shift();
      if (request !== undefined) this.feeds.get(partition)?.take(relayRequest.parse(JSON.parse(request)));
      const frame = link.toRelay.shift();
      if (request !== undefined) this.trace(`> ${partition} ${request}`);
      if (frame !== undefined) this.trace(`< ${partition} ${frame}`);
      if (frame !== undefined) this.core.take(partition, frame, this.now);
      some ||= request !== undefined || frame !== undefined;
    }
    return some;
  }

  /** Everything arrives, and every period ends. */
  settle(): void {
    for (let round = 0; round < 3; round += 1) {
      for (const partition of PARTITIONS) this.open(partition);
      this.drain();
      for (const feed of this.feeds.values()) feed.batch([], 0, RATES);
      this.drain();
    }
    this.core.tellPositions();
  }

  /** Every link that is wanted opens, and everything arrives that is on its way. */
  arrive(): void {
    for (const partition of PARTITIONS) this.open(partition);
    this.drain();
  }

  drain(): void {
    let rounds = 0;
    for (let some = true; some; rounds += 1) {
      if (rounds > 1000) throw new Error("it never comes to rest");
      some = false;
      for (const partition of PARTITIONS) if (this.pump(partition, 100)) some = true;
      this.core.endSlot(this.now);
    }
  }

  #cut(partition: string): void {
    const link = this.#links.get(partition);
    if (link === undefined) return;
    link.open = false;
    link.toFeed.length = 0;
    link.toRelay.length = 0;
    this.feeds.get(partition)?.cut();
  }
}
