/** Frames that can't be read: logged once for each kind of fault, and since when trades of which markets may be among them. */

import type { Market } from "../../../protocol/ingest.ts";
import { type FrameError, faultKind } from "../../exchanges/exchange.ts";
import type { Logger } from "../../logger.ts";

/** Kinds of bad frames that are logged, and types that are remembered: what an exchange may send us is without end. */
const KINDS = 100;
/** Stands for the types beyond them. */
const OTHERS = "";
/** What a symbol may consist of, in any exchange's spelling. */
const WORDS = /[\p{L}\p{N}_-]+/gu;
/** A type that is unknown may be that of trades as long as none comes for this long, ms. */
const NO_TRADES = 60_000;

/** A frame that can't be read, and what is known of it. Times in ms. */
export interface BadFrame {
  readonly error: FrameError;
  readonly text: string;
  /** Those that its connection brings. */
  readonly markets: readonly Market[];
  readonly received: number;
  /** Up to when everything has been received. */
  readonly reliedOn: number;
  /** When the last trade came; 0 before the first. */
  readonly lastTrade: number;
}

/** When (ms) frames came that may have held trades. */
export interface UnreadablePeriod {
  readonly since: number;
  readonly until: number;
}

export class BadFrames {
  readonly #logger: Logger;
  readonly #kindsLogged = new Set<string>();
  /** By instrument, since they were last taken. */
  readonly #unreadable = new Map<string, UnreadablePeriod>();
  /** When (ms) the instruments were last suspected because of a type that is unknown, by type. */
  readonly #unknownTypes = new Map<string, Map<string, number>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Logs a frame, and remembers whose trades it may have held. */
  add(frame: BadFrame): void {
    const { error, text, markets } = frame;
    this.#log(error.message, text);
    if (error.subject === "no-trade") return;
    for (const { instrument } of marketsNamed(text, markets)) {
      const since = error.subject === "trade" ? frame.reliedOn : this.#suspectType(error.subject, instrument, frame);
      if (since !== undefined) this.#remember(instrument, since, frame.received);
    }
  }

  /** What has been remembered, by instrument; it is forgotten. Gathered, because an exchange that has changed its frames sends nothing else. */
  takeUnreadable(): [instrument: string, unreadable: UnreadablePeriod][] {
    const all = [...this.#unreadable];
    this.#unreadable.clear();
    return all;
  }

  /**
   * An unknown type may be that of trades, once: while trades come as ever, it is not. Where they don't, it may be since we
   * last thought so.
   *
   * @returns since when (ms) its kind may have held trades; undefined where none is suspected
   */
  #suspectType({ unknownType }: { readonly unknownType: string }, instrument: string, frame: BadFrame) {
    const type = this.#unknownTypes.has(unknownType) || this.#unknownTypes.size < KINDS ? unknownType : OTHERS;
    const suspected = this.#unknownTypes.get(type) ?? new Map<string, number>();
    this.#unknownTypes.set(type, suspected);
    const before = suspected.get(instrument);
    const again = before !== undefined && frame.lastTrade <= before;
    if (before !== undefined && (!again || frame.received - before < NO_TRADES)) return undefined;
    suspected.set(instrument, frame.received);
    return before ?? frame.reliedOn;
  }

  #remember(instrument: string, since: number, until: number): void {
    const before = this.#unreadable.get(instrument);
    this.#unreadable.set(instrument, { since: before?.since ?? since, until });
  }

  #log(reason: string, text: string): void {
    const kind = faultKind(reason);
    if (this.#kindsLogged.has(kind) || this.#kindsLogged.size >= KINDS) return;
    this.#kindsLogged.add(kind);
    this.#logger.warn({ reason, frame: text.slice(0, 300) }, "a frame that can't be read (kept in the raw log)");
  }
}

/** Those of some markets whose symbol stands in a frame, in capitals or not; all of them when none does. */
export function marketsNamed(text: string, markets: readonly Market[]): readonly Market[] {
  const named = namedIn(text, markets);
  return named.length > 0 ? named : markets;
}

/** Those of some markets whose symbol stands in a text, in capitals or not. */
export function namedIn(text: string, markets: readonly Market[]): readonly Market[] {
  const words = new Set(text.toUpperCase().match(WORDS));
  return markets.filter(({ nativeSymbol }) => words.has(nativeSymbol.toUpperCase()));
}
