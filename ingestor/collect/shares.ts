/** Deals an exchange's markets out to connections. A market stays where it is, so that a new listing disturbs no other. */

import type { Market } from "../../protocol/ingest.ts";
import type { Share } from "./share.ts";

export class Shares {
  readonly #room: number;
  readonly #open: (markets: readonly Market[]) => Share;
  #shares: readonly Share[] = [];

  /**
   * @param room markets that one connection takes
   * @param open begins a share
   */
  constructor(room: number, open: (markets: readonly Market[]) => Share) {
    this.#room = room;
    this.#open = open;
  }

  get all(): readonly Share[] {
    return this.#shares;
  }

  of(instrument: string): Share | undefined {
    return this.#shares.find(({ markets }) => markets.some((market) => market.instrument === instrument));
  }

  /** Brings these markets, and no others. */
  deal(markets: readonly Market[]): void {
    const wanted = new Map(markets.map((market) => [market.instrument, market]));
    const dealt = this.#shares.map((share) => {
      const kept = share.markets.flatMap(({ instrument }) => wanted.get(instrument) ?? []);
      for (const { instrument } of kept) wanted.delete(instrument);
      return { share, kept };
    });
    const added = [...wanted.values()];
    for (const { share, kept } of dealt) {
      const next = [...kept, ...added.splice(0, this.#room - kept.length)];
      if (next.length === 0) share.stop();
      else if (!sameInstruments(next, share.markets)) share.bring(next);
    }
    const left = dealt.map(({ share }) => share).filter((share) => share.markets.length > 0 && !share.stopped);
    const opened = chunks(added, this.#room).map(this.#open);
    this.#shares = [...left, ...opened];
  }

  stop(): void {
    for (const share of this.#shares) share.stop();
  }
}

function sameInstruments(a: readonly Market[], b: readonly Market[]): boolean {
  return a.length === b.length && a.every(({ instrument }, i) => instrument === b[i]?.instrument);
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const all: T[][] = [];
  for (let from = 0; from < items.length; from += size) all.push(items.slice(from, from + size));
  return all;
}
