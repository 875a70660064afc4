/**
 * Reads what stands before the tails of a takeover while collecting goes on: what is fetched of gaps that have been open for
 * long must be told from what the log has had since then. Forwards, for only so is it known whose records count.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, Kafka } from "kafkajs";
import { type Logger, reasonOf } from "../../logger.ts";
import type { Stretch } from "../log.ts";
import { extents, offsetsAt } from "./offsets.ts";
import type { OpenGaps } from "./open-gaps.ts";
import { HEALING_MARGIN, PartitionTail } from "./partition-tail.ts";
import { readRanges } from "./read-range.ts";

/** What is kept of all partitions at most, bytes: what is before that is forgotten, and not told from what is fetched. */
const KEPT = 256 * 1024 * 1024;
/** For each ms that taking in takes, so much is left to live ticks, ms. */
const REST = 0.5;
/** What is asked for at once, bytes: it is unpacked in one go. */
const FETCH = 256 * 1024;
/** Between two attempts, ms. */
const PAUSE = 1000;

const NOTHING: Stretch = { events: [], completeFrom: Number.POSITIVE_INFINITY };

/** What of one partition is still to be read. */
interface Unread {
  readonly tail: PartitionTail;
  readonly partition: number;
  /** Since when it is needed, ms. */
  readonly since: number;
}

export class ReadBack {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #openGaps: OpenGaps;
  readonly #logger: Logger;
  #unread: readonly Unread[] = [];

  constructor(kafka: Kafka, topic: string, openGaps: OpenGaps, logger: Logger) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#openGaps = openGaps;
    this.#logger = logger;
  }

  /** What has been read in a takeover. From now on the log says that some of it needs more. */
  setTails(tails: readonly PartitionTail[]): void {
    const unread = tails.flatMap((tail): Unread[] => {
      const { unreadSince: since, extent } = tail;
      return since === undefined ? [] : [{ tail, partition: extent.partition, since }];
    });
    for (const { partition, since } of unread) this.#openGaps.expect(partition, since);
    // The shortest first: what has been open for long can wait the longest.
    this.#unread = unread.toSorted((a, b) => b.since - a.since);
  }

  /** See {@link TickWriter.readBack}. */
  async run(take: (partition: number, stretch: Stretch) => Promise<void>, signal: AbortSignal): Promise<void> {
    const unread = this.#unread;
    this.#unread = [];
    for (const one of unread) {
      const { partition } = one;
      const stretch = await this.#readUntilDone(one, KEPT / unread.length, signal);
      if (stretch === undefined) return;
      for (const event of stretch.events) this.#openGaps.note(partition, event);
      await take(partition, stretch);
      this.#openGaps.settle(partition);
      this.#logger.info({ partition, since: one.since, kept: stretch.events.length }, "read the log back");
    }
  }

  /** @param limit what is kept at most, bytes. @returns nothing when told to end */
  async #readUntilDone(unread: Unread, limit: number, signal: AbortSignal): Promise<Stretch | undefined> {
    while (!signal.aborted) {
      const admin = this.#kafka.admin();
      try {
        await admin.connect();
        const stretch = await this.#readOnce(admin, unread, limit, signal);
        return signal.aborted ? undefined : stretch;
      } catch (error) {
        if (signal.aborted) return undefined;
        const { partition } = unread;
        this.#logger.warn({ partition, reason: reasonOf(error) }, "reading the log back failed, trying again");
        await sleep(PAUSE);
      } finally {
        await admin.disconnect();
      }
    }
    return undefined;
  }

  /** @throws when it can't be read to its end, or `signal` says so */
  async #readOnce(admin: Admin, unread: Unread, limit: number, signal: AbortSignal): Promise<Stretch> {
    const { tail: after, partition, since } = unread;
    const { needed } = after;
    const to = after.start;
    const extent = (await extents(admin, this.#topic)).find((one) => one.partition === partition);
    // Made anew meanwhile: what stood there is gone.
    if (extent === undefined || extent.high < to) return NOTHING;
    const found = (await offsetsAt(admin, this.#topic, Math.max(0, since - HEALING_MARGIN))).get(partition);
    const from = Math.max(extent.low, Math.min(to, found ?? to));
    const { stretch, next } = await this.#read(
      { ...extent, high: to },
      (low) => new PartitionTail({ ...extent, low }, low, limit, needed),
      from,
      signal,
    );
    const sameLog = stretch.authority?.incarnation === after.authority?.incarnation;
    if (next < to || !sameLog) return NOTHING;
    const { events, completeFrom } = stretch.toTail();
    const { completeFor } = stretch;
    return {
      events: events.filter((event) => event.type !== "gap" || after.leavesOpen(event)),
      completeFrom,
      completeFor,
    };
  }

  async #read(
    extent: PartitionTail["extent"],
    begin: (from: number) => PartitionTail,
    from: number,
    signal: AbortSignal,
  ): Promise<{ readonly stretch: PartitionTail; readonly next: number }> {
    const { partition, high: to } = extent;
    let [stretch, next] = [begin(from), from];
    const take: Parameters<typeof readRanges>[3] = async (_, messages) => {
      const begun = performance.now();
      const first = Number(messages[0]?.offset ?? next);
      // Retention was faster than we: what had been read does not join what follows.
      if (first > next) stretch = begin(first);
      await stretch.take(messages);
      next = Number(messages.at(-1)?.offset ?? next) + 1;
      await sleep((performance.now() - begun) * REST);
      return !signal.aborted;
    };
    await readRanges(this.#kafka, this.#topic, [{ partition, from, to }], take, { fetch: FETCH, signal });
    return { stretch, next };
  }
}
