/**
 * Where ids don't count up: trades that a living connection has swallowed show themselves in the tickers, by the time of the
 * last trade and by what was traded in all, see {@link VolumeLedger}.
 */

import type { Decimal } from "../../../protocol/decimal.ts";
import type { TickerEvent, TradeEvent } from "../../../protocol/events.ts";
import { boundedTime, isDatedAhead } from "../../event-time.ts";
import { VolumeLedger, volumeUnits } from "./volume-ledger.ts";

/** Trades that are certainly missing: of which instrument, and executed since when (ms). */
export interface Missing {
  readonly instrument: string;
  readonly since: number;
}

interface PendingTicker {
  readonly time: number;
  readonly volume: bigint | undefined;
  /** How often {@link VolumeCheck.tick} has met it. */
  ticks: number;
}

interface Account {
  readonly ledger: VolumeLedger;
  pending: PendingTicker[];
  /** Trades executed up to then (ms) are being fetched, or have been. */
  covered: number;
}

/**
 * A trade may come after a ticker that includes it. Counted in ticks of a second: after a stall of this process the clock
 * has moved on, and what came meanwhile has not been read yet.
 */
const PATIENCE = 3;

export class VolumeCheck {
  readonly #accounts = new Map<string, Account>();

  /** @param isNew whether it enters the log; a repeat on connecting is none of those that a ticker adds */
  trade(trade: TradeEvent, isNew: boolean): void {
    const { ledger, pending } = this.#of(trade.instrument);
    if (isDatedAhead(trade)) {
      ledger.addUntimed(volumeUnits(trade.size));
      pending.length = 0;
    } else if (isNew || !trade.snapshot) ledger.add(trade.time, volumeUnits(trade.size));
    else ledger.see(trade.time);
  }

  /** @param volume what was traded up to the ticker's time, in whatever window; undefined where it does not say */
  ticker(ticker: TickerEvent, volume: Decimal | undefined): void {
    if (isDatedAhead(ticker)) return;
    const units = volume === undefined ? undefined : volumeUnits(volume);
    this.#of(ticker.instrument).pending.push({ time: boundedTime(ticker), volume: units, ticks: 0 });
  }

  /** Trades executed up to a time (ms) are being fetched: what tickers show of them is no news. */
  cover(instrument: string, until: number): void {
    const account = this.#of(instrument);
    account.covered = Math.max(account.covered, until);
  }

  /** The connection is gone, and the trades of pending tickers may be with it: the next connection's first frames decide. */
  disconnected(instrument: string): void {
    const account = this.#accounts.get(instrument);
    if (account !== undefined) account.pending = [];
  }

  /** It is not collected for a while. */
  forget(instrument: string): void {
    this.#accounts.delete(instrument);
  }

  /** To be called every second. @returns what is missing, once for each trade */
  tick(): Missing[] {
    const all: Missing[] = [];
    for (const [instrument, account] of this.#accounts) {
      if (account.pending.length === 0) continue;
      for (const ticker of account.pending) ticker.ticks += 1;
      const due = account.pending.filter(({ ticks }) => ticks >= PATIENCE);
      account.pending = account.pending.filter(({ ticks }) => ticks < PATIENCE);
      const since = due.flatMap((ticker) => missedSince(account, ticker) ?? []);
      if (since.length > 0) all.push({ instrument, since: Math.min(...since) });
      account.ledger.prune();
    }
    return all;
  }

  #of(instrument: string): Account {
    const account = this.#accounts.get(instrument) ?? { ledger: new VolumeLedger(), pending: [], covered: 0 };
    this.#accounts.set(instrument, account);
    return account;
  }
}

/** @returns since when (ms) trades are missing that a ticker includes; undefined where none are */
function missedSince({ ledger, covered }: Account, { time, volume }: PendingTicker): number | undefined {
  const isCovered = time <= covered;
  const byVolume = volume === undefined ? undefined : ledger.compare({ time, volume }, isCovered);
  return byVolume ?? (isCovered ? undefined : ledger.unseenSince(time));
}
