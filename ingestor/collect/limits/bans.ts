/**
 * Bans by an exchange, by host. It bans our address, not a kind of request: a ban that the trade history receives holds for the
 * market list and for handshakes too, and a request during a ban prolongs it.
 */

import { setTimeout as sleep } from "node:timers/promises";

/** An answer that is none: of `fetch`, or one to a handshake. */
export interface Refusal {
  readonly status: number;
  /** A header's text; null where it was not sent. */
  readonly header: (name: string) => string | null;
}

/** The length of a ban, ms, where the answer has a status alone: too many requests, or a ban. */
const UNSAID: ReadonlyMap<number, number> = new Map([
  [429, 5000],
  [418, 30_000],
]);
/** The longest ban that any of them documents, ms (Binance). What is beyond it is a mistake. */
const MAX_BAN = 3 * 86_400_000;

export class Bans {
  /** By the name of the host, without its port: they ban what our packets come from, not where they go. */
  readonly #until = new Map<string, number>();

  /** Records a refused answer; one that is no ban changes nothing. */
  record(url: string, { status, header }: Refusal): void {
    const pause = pauseOf(header("Retry-After"), header("Date")) ?? UNSAID.get(status);
    if (pause === undefined) return;
    const host = new URL(url).hostname;
    const until = Date.now() + Math.min(pause, MAX_BAN);
    this.#until.set(host, Math.max(until, this.#until.get(host) ?? 0));
  }

  /** Until when (ms) the host of an address is to be left alone; undefined when it may be asked. */
  until(url: string): number | undefined {
    const until = this.#until.get(new URL(url).hostname);
    return until === undefined || until <= Date.now() ? undefined : until;
  }

  /** Waits until the host of an address may be asked. @throws when the signal aborts */
  async waitUntilOver(url: string, signal: AbortSignal): Promise<void> {
    for (let until = this.until(url); until !== undefined; until = this.until(url)) {
      await sleep(until - Date.now(), undefined, { signal });
    }
  }
}

/**
 * `Retry-After` counts seconds or names a moment (RFC 9110, 10.2.3); a moment is compared with the answer's own `Date`, since
 * our clock may be another one.
 *
 * @returns ms; undefined where the header gives no pause
 */
function pauseOf(retryAfter: string | null, date: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const text = retryAfter.trim();
  const pause = /^\d+(\.\d+)?$/.test(text)
    ? Number(text) * 1000
    : momentOf(text) - (momentOf(date ?? "") || Date.now());
  return pause > 0 ? pause : undefined;
}

/** Only the form that all must send: `Date.parse` makes a date of much. NaN for anything else. */
function momentOf(text: string): number {
  return text.endsWith("GMT") ? Date.parse(text) : Number.NaN;
}
