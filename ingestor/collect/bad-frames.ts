/** Frames that can't be read: logged once for each kind of fault, and the markets that they may have been about. */

import type { Market } from "../../protocol/ingest.ts";
import type { Logger } from "../logger.ts";

/** Kinds of bad frames that are logged: what an exchange may send us is without end. */
const KINDS_LOGGED = 100;
/** What a symbol may consist of, in any exchange's spelling. */
const WORDS = /[\p{L}\p{N}_-]+/gu;

export class BadFrames {
  readonly #logger: Logger;
  readonly #kindsLogged = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param reason a message; without what it quotes, or where a frame stops being JSON, it names the kind of fault */
  log(reason: string, text: string): void {
    const kind = reason.replace(/"[^"]*"?|'[^']*'?|\d+/g, "…").replace(/^not JSON: .*$/s, "not JSON");
    if (this.#kindsLogged.has(kind) || this.#kindsLogged.size >= KINDS_LOGGED) return;
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
