/** One instrument's tickers that only one side has so far, by when they were received. */

import type { TickerEvent } from "../../../protocol/events.ts";
import type { LogPosition } from "./differences.ts";

/** Shared by tickers of one content that several connections brought: the log need take only one of them. */
export interface Copies {
  inLog: boolean;
}

export interface RawTicker {
  readonly event: TickerEvent;
  readonly content: string;
  readonly connection: string | null;
  /** Grows with each ticker of raw. */
  readonly nth: number;
  copies: Copies;
}

export interface LoggedTicker {
  readonly event: TickerEvent;
  readonly content: string;
  readonly place: LogPosition;
  /** False: written by a collector that had been replaced. */
  readonly counts: boolean;
}

/** What was received in one millisecond. */
export interface Group {
  readonly raw: RawTicker[];
  readonly log: LoggedTicker[];
  /** Log time (ms) of what came last. */
  at: number;
}

export class TickerGroups {
  readonly #groups = new Map<number | null, Group>();

  /** Takes off the log's ticker that a raw one equals; the raw one waits when there is none. */
  raw(ticker: RawTicker, at: number): LoggedTicker | undefined {
    const group = this.#of(ticker.event.received, at);
    // One that counts, if there is a choice.
    const match = take(group.log, ticker.content, ({ counts }) => counts) ?? take(group.log, ticker.content);
    if (match === undefined) group.raw.push(ticker);
    this.#tidy(ticker.event.received, group);
    return match;
  }

  /** Takes off the raw ticker that one of the log equals; the log's waits when there is none. */
  log(ticker: LoggedTicker, at: number): RawTicker | undefined {
    const group = this.#of(ticker.event.received, at);
    const match = take(group.raw, ticker.content);
    if (match === undefined) group.log.push(ticker);
    this.#tidy(ticker.event.received, group);
    return match;
  }

  /** Takes off the groups to which nothing has come since a log time (ms). */
  *takeQuietSince(before: number): Generator<Group> {
    for (const [received, group] of this.#groups) {
      if (group.at >= before) continue;
      this.#groups.delete(received);
      yield group;
    }
  }

  #of(received: number | null, at: number): Group {
    const group = this.#groups.get(received) ?? { raw: [], log: [], at };
    this.#groups.set(received, group);
    group.at = Math.max(group.at, at);
    return group;
  }

  #tidy(received: number | null, { raw, log }: Group): void {
    if (raw.length + log.length === 0) this.#groups.delete(received);
  }
}

function take<T extends { readonly content: string }>(
  among: T[],
  content: string,
  fits: (one: T) => boolean = () => true,
): T | undefined {
  const index = among.findIndex((one) => one.content === content && fits(one));
  return index < 0 ? undefined : among.splice(index, 1)[0];
}
