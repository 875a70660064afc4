import type { Dialect } from "./dialect.ts";
import type { MarketEngine } from "./engine.ts";
import type { Side } from "./fill.ts";

/** An executed trade as text; id, price and volume are spelled exactly as its trade frame spells them. */
export interface Executed {
  readonly seq: number;
  readonly market: string;
  readonly id: string;
  readonly price: string;
  readonly volume: string;
  readonly side: Side;
  readonly timestamp: number;
  /** To how many sockets its live trade frame was handed; snapshots and repeats do not count. */
  readonly sentTo: number;
}

/** A part of the executed trades; `next` is the `after` of the next part, `oldest` the first still kept. */
export interface ExecutedPage {
  readonly trades: readonly Executed[];
  readonly next: number;
  readonly head: number;
  readonly oldest: number;
}

/** Up to `limit` executed trades after `seq`, oldest first, as the dialect spells them. */
export function executedPage(engine: MarketEngine, dialect: Dialect, after: number, limit: number): ExecutedPage {
  const { head, oldest } = engine.log;
  const trades = engine.log.after(after, limit).map((trade): Executed => {
    const { seq, market, side, timestamp, sentTo } = trade;
    return { seq, market, ...dialect.spell(trade, engine.opened), side, timestamp, sentTo };
  });
  return { trades, next: trades.at(-1)?.seq ?? Math.max(after, oldest - 1), head, oldest };
}
