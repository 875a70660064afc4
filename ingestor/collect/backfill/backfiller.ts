/**
 * Fetches what was missed. A gap is announced the moment it is known; the trades follow as late ones while live ticks go on;
 * then the gap is closed: `healed`, or `lost` for the part that the exchange's history no longer has.
 */

import type { GapCause, GapEvent, TradeEvent } from "../../../protocol/events.ts";
import { BackfillQueue, type Waiting } from "./backfill-queue.ts";
import { GapFetcher, type GapFetcherOptions, SETTLE } from "./gap-fetcher.ts";
import { gapEvent, type OpenGap } from "./gaps.ts";

export interface BackfillerOptions extends Omit<GapFetcherOptions, "append"> {
  readonly append: (event: GapEvent | TradeEvent) => void;
}

/** What a backfiller has done since it started. */
export interface BackfillerCounts {
  gaps: number;
  healed: number;
  lost: number;
  lateTrades: number;
}

/** A gap that is open, and how far it has been fetched. Times in ms. */
interface Fetching extends OpenGap {
  /** Up to where the exchange's history has been fetched; the gap's beginning at first. */
  readonly fetchedUntil: number;
  /** Up to where it is lost; its beginning while nothing is. */
  readonly lostUntil: number;
  /** Not to be asked for before this. */
  readonly due: number;
}

/** An open gap that has grown by less than this, ms, is not announced again. */
const GROWTH = 10_000;
/** The overlap of a round with the one before it, ms: an exchange's clock and its history may be behind by more than a moment. */
const MARGIN = 10_000;
/** Timers can't wait for ever, ms. */
const LOOK_PERIOD = 60_000;

export class Backfiller {
  readonly #options: BackfillerOptions;
  readonly #fetcher: GapFetcher;
  readonly #stop = new AbortController();
  /** Gaps that are open, by instrument. */
  readonly #gaps = new Map<string, Fetching[]>();
  /** The end (ms) with which an open gap was announced last, by instrument and beginning. */
  readonly #announcedUntil = new Map<string, number>();
  readonly #queue = new BackfillQueue();
  #next: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  readonly #counts = { gaps: 0, healed: 0, lost: 0 };

  constructor(options: BackfillerOptions) {
    this.#options = options;
    this.#fetcher = new GapFetcher(options, this.#stop.signal);
  }

  get counts(): BackfillerCounts {
    return { ...this.#counts, lateTrades: this.#fetcher.lateTrades };
  }

  /** Since when (ms) trades of some instrument are being fetched; undefined while none are. */
  get since(): number | undefined {
    const all = [...this.#gaps.values()].flat();
    return all.length === 0 ? undefined : Math.min(...all.map(({ since }) => since));
  }

  /** Gaps that are being fetched. */
  get open(): number {
    return [...this.#gaps.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Announces that trades may be missing between two times (ms), and begins to fetch them. A gap that begins within an open
   * one of the same cause makes that one longer.
   */
  backfill(instrument: string, cause: GapCause, begun: number, until: number): void {
    const open = this.#gaps.get(instrument) ?? [];
    const joined = open.find(
      (gap) => (gap.cause === cause && gap.since <= begun && begun <= gap.until) || gap.since === begun,
    );
    const since = Math.max(0, Math.min(begun, until));
    const gap: Fetching =
      joined === undefined
        ? { instrument, cause, since, until, fetchedUntil: since, lostUntil: since, due: until + SETTLE }
        : { ...joined, until: Math.max(until, joined.until) };
    if (open.length === 0) this.#options.deduplicator.hold(instrument);
    this.#gaps.set(instrument, [...open.filter((one) => one !== joined), gap]);
    this.#announce(gap, joined);
    // Once for all gaps of this turn: each start goes through all of them.
    this.#soon ??= setImmediate(() => this.#startNext());
  }

  /** Writes an open gap to the log; one that keeps growing (an exchange that sends nothing readable) only every {@link GROWTH} ms. */
  #announce(gap: OpenGap, grownFrom: OpenGap | undefined): void {
    const key = `${gap.instrument}/${gap.since}`;
    const announced = this.#announcedUntil.get(key);
    if (grownFrom !== undefined && announced !== undefined && gap.until - announced < GROWTH) return;
    this.#announcedUntil.set(key, gap.until);
    this.#options.append(gapEvent(gap, "open"));
    if (grownFrom === undefined) this.#counts.gaps += 1;
  }

  /** Starts the gaps that have become due since an earlier tail has been read. */
  startDue(): void {
    this.#startNext();
  }

  /** Ends what is under way; what is open stays so in the log, for whoever collects next. */
  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#next);
    clearImmediate(this.#soon);
  }

  #startNext(): void {
    clearTimeout(this.#next);
    clearImmediate(this.#soon);
    this.#soon = undefined;
    if (this.#stop.signal.aborted) return;
    const now = Date.now();
    for (;;) {
      const instrument = this.#queue.take(this.#waiting(), now);
      if (instrument === undefined) break;
      void this.#backfillOne(instrument, now).then((answered) => {
        if (answered) this.#queue.succeeded(instrument);
        else this.#queue.failed(instrument, Date.now());
        this.#startNext();
      });
    }
    const wait = this.#queue.wait(this.#waiting(), now);
    if (wait !== undefined) this.#next = setTimeout(() => this.#startNext(), Math.min(wait, LOOK_PERIOD));
  }

  *#waiting(): Generator<Waiting> {
    for (const [instrument, gaps] of this.#gaps) {
      const due = Math.min(...gaps.map((gap) => this.#dueAt(gap)));
      yield { instrument, due, trades: this.#options.deduplicator.count(instrument) };
    }
  }

  /** When (ms) a gap may be asked for: never while it is unknown what the log has had since it began. */
  #dueAt({ instrument, since, due }: Fetching): number {
    return this.#options.deduplicator.isUnread(instrument, since) ? Number.POSITIVE_INFINITY : due;
  }

  /** One round of an instrument. @returns whether the exchange has answered */
  async #backfillOne(instrument: string, now: number): Promise<boolean> {
    const gaps = (this.#gaps.get(instrument) ?? []).filter((gap) => this.#dueAt(gap) <= now);
    const from = Math.min(...gaps.map(({ since, fetchedUntil }) => Math.max(since, fetchedUntil - MARGIN)));
    // The history of a gap that has grown reaches to now at most.
    const until = Math.min(now - SETTLE, Math.max(...gaps.map((gap) => gap.until)));
    const completeFrom = await this.#fetcher.fetch(instrument, from, until);
    if (completeFrom === undefined || this.#stop.signal.aborted) return false;
    const left: Fetching[] = [];
    for (const gap of this.#gaps.get(instrument) ?? []) {
      // A gap that was announced, or grew, during this round takes another one.
      if (!gaps.some(({ since }) => since === gap.since)) left.push(gap);
      else if (!gaps.includes(gap) || gap.until > until) left.push(advanced(gap, until, completeFrom));
      else this.#close(advanced(gap, until, completeFrom));
    }
    if (left.length > 0) this.#gaps.set(instrument, left);
    else {
      this.#gaps.delete(instrument);
      this.#options.deduplicator.release(instrument);
    }
    return true;
  }

  #close(gap: Fetching): void {
    this.#announcedUntil.delete(`${gap.instrument}/${gap.since}`);
    const lost = gap.lostUntil > gap.since;
    this.#options.append(lost ? gapEvent(gap, "lost", { until: gap.lostUntil }) : gapEvent(gap, "healed"));
    this.#counts[lost ? "lost" : "healed"] += 1;
  }
}

/**
 * A gap after a round that has covered it up to a time (ms). One that has grown meanwhile goes on from there: an
 * exchange that sends nothing that can be read makes it grow for hours.
 */
function advanced(gap: Fetching, fetchedUntil: number, completeFrom: number): Fetching {
  const lost = completeFrom > gap.fetchedUntil ? Math.min(gap.until, completeFrom) : 0;
  return { ...gap, fetchedUntil, lostUntil: Math.max(gap.lostUntil, lost), due: gap.until + SETTLE };
}
