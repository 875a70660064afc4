/**
 * Reads the records before a takeover's tails while collecting goes on: trades that are backfilled for long-open gaps are
 * deduplicated against what the log has had since the gap began. Forwards, because the authority is known only so.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, Kafka } from "kafkajs";
import { type Logger, reasonOf } from "../../../logger.ts";
import type { EarlierTail } from "../../log.ts";
import { extents, offsetsAt } from "../offsets.ts";
import type { OpenGaps } from "./open-gaps.ts";
import { HEALING_MARGIN, PartitionTail } from "./partition-tail.ts";
import { readRanges } from "./read-range.ts";

/** Memory for the trades of all partitions, bytes: older ones are dropped, and can't be deduplicated against. */
const KEPT = 256 * 1024 * 1024;
/** Pause for each ms of processing, ms: left to live ticks. */
const REST = 0.5;
/** Fetch size, bytes: a fetch is decoded in one go. */
const FETCH = 256 * 1024;
/** Between two attempts, ms. */
const PAUSE = 1000;

const NOTHING: EarlierTail = { events: [], completeFrom: Number.POSITIVE_INFINITY };

/** A partition whose earlier records are still to be read. */
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

  /** Takes the tails of a takeover. From now on `healing` in the log covers those that reach back too short. */
  setTails(tails: readonly PartitionTail[]): void {
    const unread = tails.flatMap((tail): Unread[] => {
      const { unreadSince: since, extent } = tail;
      return since === undefined ? [] : [{ tail, partition: extent.partition, since }];
    });
    for (const { partition, since } of unread) this.#openGaps.expect(partition, since);
    // The shortest first: the gaps that are open longest can wait longest.
    this.#unread = unread.toSorted((a, b) => b.since - a.since);
  }

  /** See {@link TickWriter.readBack}. */
  async run(take: (partition: number, earlier: EarlierTail) => Promise<void>, signal: AbortSignal): Promise<void> {
    const unread = this.#unread;
    this.#unread = [];
    for (const one of unread) {
      const { partition } = one;
      const earlier = await this.#readUntilDone(one, KEPT / unread.length, signal);
      if (earlier === undefined) return;
      for (const event of earlier.events) this.#openGaps.note(partition, event);
      await take(partition, earlier);
      this.#openGaps.settle(partition);
      this.#logger.info({ partition, since: one.since, kept: earlier.events.length }, "read the log back");
    }
  }

  /** @param limit memory for its trades, bytes. @returns undefined when aborted */
  async #readUntilDone(unread: Unread, limit: number, signal: AbortSignal): Promise<EarlierTail | undefined> {
    while (!signal.aborted) {
      const admin = this.#kafka.admin();
      try {
        await admin.connect();
        const earlier = await this.#readOnce(admin, unread, limit, signal);
        return signal.aborted ? undefined : earlier;
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
  async #readOnce(admin: Admin, unread: Unread, limit: number, signal: AbortSignal): Promise<EarlierTail> {
    const { tail: after, partition, since } = unread;
    const { needed } = after;
    const to = after.start;
    const extent = (await extents(admin, this.#topic)).find((one) => one.partition === partition);
    // The topic was made anew meanwhile: its earlier records are gone.
    if (extent === undefined || extent.high < to) return NOTHING;
    const found = (await offsetsAt(admin, this.#topic, Math.max(0, since - HEALING_MARGIN))).get(partition);
    const from = Math.max(extent.low, Math.min(to, found ?? to));
    const { earlier, next } = await this.#read(
      { ...extent, high: to },
      (low) => new PartitionTail({ ...extent, low }, low, limit, needed),
      from,
      signal,
    );
    const sameLog = earlier.authority?.incarnation === after.authority?.incarnation;
    if (next < to || !sameLog) return NOTHING;
    const { events, completeFrom } = earlier.toTail();
    const { completeFor } = earlier;
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
  ): Promise<{ readonly earlier: PartitionTail; readonly next: number }> {
    const { partition, high: to } = extent;
    let [earlier, next] = [begin(from), from];
    const take: Parameters<typeof readRanges>[3] = async (_, messages) => {
      const begun = performance.now();
      const first = Number(messages[0]?.offset ?? next);
      // Retention was faster than we: the records read so far do not join these.
      if (first > next) earlier = begin(first);
      await earlier.take(messages);
      next = Number(messages.at(-1)?.offset ?? next) + 1;
      await sleep((performance.now() - begun) * REST);
      return !signal.aborted;
    };
    await readRanges(this.#kafka, this.#topic, [{ partition, from, to }], take, { fetch: FETCH, signal });
    return { earlier, next };
  }
}
