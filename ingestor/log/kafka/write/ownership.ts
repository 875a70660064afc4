/** A collector's ownership of a log: taken over with markers of a new term, and taken over anew when the topic is made anew. */

import type { Admin, Kafka } from "kafkajs";
import type { Authority } from "../../../../protocol/log-record.ts";
import type { Logger } from "../../../logger.ts";
import type { Tail } from "../../log.ts";
import { type KafkaSettings, names } from "../client.ts";
import { type Extent, extents } from "../offsets.ts";
import type { PartitionTail } from "../read/partition-tail.ts";
import { markerDraft } from "../records.ts";
import { admitLargeFrames, ensureTopics } from "../topics.ts";
import type { Retrier } from "./retrier.ts";
import { markersFor, readEnds, readUpToMarkers } from "./takeover.ts";
import type { TickProducers } from "./tick-producers.ts";

export interface OwnershipOptions {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  readonly exchange: string;
  readonly producers: TickProducers;
  readonly retrier: Retrier;
  readonly logger: Logger;
}

/** One takeover's authority, and how far its writes are confirmed. */
export interface Session {
  readonly authority: Authority;
  /** The last offset that we know to be in the log, by partition. */
  readonly confirmed: Map<number, number>;
}

/** The outcome of a takeover, by partition. */
export interface TakenOver {
  readonly tails: readonly Tail[];
  readonly ends: readonly PartitionTail[];
  /** How many the raw topic has. */
  readonly rawPartitions: number;
}

export class Ownership {
  readonly #options: OwnershipOptions;
  #admin: Admin;
  #takeover: Promise<TakenOver> | undefined;
  /** The lowest term to write under. */
  #atLeast = 0;
  /** The term whose markers are being written. */
  #taking = 0;
  /** Undefined before the first takeover. */
  session: Session | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#admin = options.kafka.admin();
  }

  /** From the first marker on: who holds the lease must hear of it, even should the takeover not be finished. */
  get term(): number {
    return Math.max(this.session?.authority.term ?? 0, this.#taking);
  }

  /**
   * Takes the log over; whoever else needs it meanwhile waits for the same takeover.
   *
   * @param atLeast the lowest term to write under
   */
  takeOver(atLeast = this.#atLeast): Promise<TakenOver> {
    this.#atLeast = atLeast;
    this.#takeover ??= this.#options.retrier
      .untilDone("taking the log over", () => this.#takeOverOnce())
      .finally(() => {
        this.#takeover = undefined;
      });
    return this.#takeover;
  }

  /** @throws when the partition is not there; a topic that was deleted has been made anew then */
  async extent(partition: number): Promise<Extent> {
    const topic = this.#names.ticks;
    // Nobody else would make it.
    if (!(await this.#admin.listTopics()).includes(topic)) {
      await this.takeOver();
      throw new Error("the topic was deleted");
    }
    const extent = (await extents(this.#admin, topic)).find((one) => one.partition === partition);
    if (extent === undefined) throw new Error(`${topic} has no partition ${partition}`);
    return extent;
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }

  get #names(): ReturnType<typeof names> {
    return names(this.#options.settings.prefix, this.#options.exchange);
  }

  async #takeOverOnce(): Promise<TakenOver> {
    const { kafka, settings, exchange, producers, logger } = this.#options;
    const { ticks, raw } = this.#names;
    await this.#renewAdmin();
    await ensureTopics(this.#admin, settings, exchange);
    await admitLargeFrames(this.#admin, raw, logger);
    const rawPartitions = (await extents(this.#admin, raw)).length;
    const ends = await readEnds(kafka, this.#admin, ticks, this.#atLeast);
    this.#taking = ends.next.term;
    const markers = new Map<number, number>();
    for (const { extent } of ends.tails) {
      const drafts = Array.from({ length: markersFor(extent) }, markerDraft);
      markers.set(extent.partition, await producers.send(extent.partition, drafts, 0, ends.next));
    }
    await readUpToMarkers(kafka, ticks, ends, markers);
    const tails = ends.tails.map((tail) => tail.toTail());
    this.session = { authority: ends.next, confirmed: markers };
    logger.info({ ...ends.next, partitions: tails.length }, ends.isNew ? "began a new log" : "took the log over");
    return { tails, ends: ends.tails, rawPartitions };
  }

  /** An admin client that has known a topic can do nothing more, not even make it anew, once the topic is gone. */
  async #renewAdmin(): Promise<void> {
    const old = this.#admin;
    this.#admin = this.#options.kafka.admin();
    old.disconnect().catch(() => undefined);
    await this.#admin.connect();
  }
}
