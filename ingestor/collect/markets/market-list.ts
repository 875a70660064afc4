/**
 * The market list of an exchange: fetched at the start until it comes, and again every few minutes for new listings, or at
 * once when it turns out to be out of date.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { backOff } from "exponential-backoff";
import type { Market } from "../../../protocol/ingest.ts";
import type { Exchange, OddRow } from "../../exchanges/exchange.ts";
import { isFields } from "../../exchanges/frames.ts";
import { AnswerError } from "../../exchanges/markets.ts";
import { type Logger, reasonOf } from "../../logger.ts";
import { Bans } from "../limits/bans.ts";

const TIMEOUT = 15_000;
/** Of a list shorter than this most may well have gone. */
const FEW = 10;
/** A list that lacks most of its markets is believed when it has come this often in a row ... */
const IMPLAUSIBLE_LOOKS = 30;
/** ... with this long, ms, between two looks at most: for half an hour. */
const IMPLAUSIBLE_PERIOD = 60_000;

export class MarketList {
  readonly #exchange: Exchange;
  readonly #restUrl: string;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<readonly Market[]>();
  /** Resolves with the first list. */
  readonly ready: Promise<readonly Market[]> = this.#ready.promise;
  /** Of this exchange, for all that ask it: the list is there as long as the exchange is. */
  readonly bans = new Bans();
  markets: readonly Market[] = [];
  /** Rows of the newest list that can't be read. */
  #odd: readonly OddRow[] = [];
  #oddLogged = "";
  /** Why the newest list is not in force; undefined when it is. */
  #trouble: string | undefined;
  /** Lists in a row that lacked most of the markets. */
  #implausibleLooks = 0;
  #wanted = Promise.withResolvers<void>();

  constructor(exchange: Exchange, restUrl: string, logger: Logger) {
    this.#exchange = exchange;
    this.#restUrl = restUrl;
    this.#logger = logger.child({ part: "market-list", exchange: exchange.name });
  }

  /** Rows that were left out of the list because they can't be read. */
  get oddRows(): number {
    return this.#odd.length;
  }

  /** What is wrong with the list, for people; undefined when nothing is. */
  get trouble(): string | undefined {
    const [first] = this.#odd;
    const { length } = this.#odd;
    const odd = first === undefined ? [] : `rows of the market list that can't be read: ${length} (${first.reason})`;
    const all = [this.#trouble ?? [], odd].flat();
    return all.length === 0 ? undefined : all.join("; ").slice(0, 300);
  }

  /**
   * Fetches the list until there is one, then again every `period` ms. Calls `changed` with the first one and whenever it is
   * another one than before. A list that can't be read leaves the old one in force. Runs until {@link stop}.
   */
  async run(period: number, changed: (markets: readonly Market[]) => void): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        // Before it is asked for: what is wanted meanwhile may not be in the answer.
        this.#wanted = Promise.withResolvers();
        const listed = await this.#fetchUntilThere();
        const implausible = this.#isImplausible(listed);
        if (!implausible && JSON.stringify(listed) !== JSON.stringify(this.markets)) {
          this.markets = listed;
          this.#ready.resolve(listed);
          changed(listed);
        }
        await this.#pause(implausible ? Math.min(period, IMPLAUSIBLE_PERIOD) : period, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Fetches the list again at once, since it is out of date. */
  refetch(): void {
    this.#wanted.resolve();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Until it is time, or somebody wants to know. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const passed = sleep(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) });
    await Promise.race([passed, this.#wanted.promise]);
    woken.abort();
    // It was ended by us, or it is why we go.
    await passed.catch(() => signal.throwIfAborted());
  }

  /**
   * A list that suddenly lacks most of what was there is an exchange's fault rather than its end: believing it tells
   * clients for good that their market is gone.
   */
  #isImplausible(listed: readonly Market[]): boolean {
    const there = new Set(listed.map(({ instrument }) => instrument));
    const { length: before } = this.markets;
    const missing = this.markets.filter(({ instrument }) => !there.has(instrument)).length;
    const lacksMost = before >= FEW && missing > before / 2;
    this.#implausibleLooks = lacksMost ? this.#implausibleLooks + 1 : 0;
    const implausible = lacksMost && this.#implausibleLooks < IMPLAUSIBLE_LOOKS;
    this.#trouble = implausible
      ? `the market list lacks ${missing} of ${before} markets, keeping the old one`
      : undefined;
    if (implausible) this.#logger.warn({ missing, before }, "the market list lacks most markets, keeping the old one");
    return implausible;
  }

  async #fetchUntilThere(): Promise<readonly Market[]> {
    return backOff(() => this.#fetch(), {
      jitter: "full",
      startingDelay: 500,
      maxDelay: 30_000,
      numOfAttempts: Number.POSITIVE_INFINITY,
      retry: (error) => {
        if (this.#stop.signal.aborted) return false;
        if (error instanceof AnswerError) this.#hear(error.response);
        this.#trouble = `the market list can't be read: ${reasonOf(error)}`;
        this.#logger.warn({ reason: reasonOf(error) }, "reading the market list failed, trying again");
        return true;
      },
    });
  }

  #hear({ status, headers }: Response): void {
    this.bans.record(this.#restUrl, { status, header: (name) => headers.get(name) });
  }

  async #fetch(): Promise<readonly Market[]> {
    const { signal: stopped } = this.#stop;
    await this.bans.waitUntilOver(this.#restUrl, stopped);
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(TIMEOUT)]);
    const odd: OddRow[] = [];
    const listed = await this.#exchange.markets(this.#restUrl, signal, (row) => odd.push(row));
    // An exchange with nothing to trade has a fault: obeying it would end everything that is collected.
    if (listed.length === 0) throw new Error("the market list is empty");
    this.#odd = odd;
    this.#logOdd();
    return [...listed, ...this.#namedIn(odd, listed)];
  }

  /** Markets that we have, and whose rows can't be read: they are not gone. */
  #namedIn(odd: readonly OddRow[], listed: readonly Market[]): Market[] {
    if (odd.length === 0) return [];
    const there = new Set(listed.map(({ instrument }) => instrument));
    const words = new Set(odd.flatMap(({ row }) => (isFields(row) ? Object.values(row) : [row])));
    return this.markets.filter(({ instrument, nativeSymbol }) => words.has(nativeSymbol) && !there.has(instrument));
  }

  #logOdd(): void {
    const reasons = this.#odd.map(({ reason }) => reason);
    const text = reasons.join("\n");
    if (text !== this.#oddLogged && text !== "")
      this.#logger.warn(
        { rows: reasons.length, reasons: reasons.slice(0, 10) },
        "rows of the market list are left out",
      );
    this.#oddLogged = text;
  }
}
