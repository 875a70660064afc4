/** What is taken of the list that an ingestor puts for an exchange. */

import { ProtocolError } from "../protocol/errors.ts";
import type { Market } from "../protocol/ingest.ts";
import { instrument, isCode } from "../protocol/instrument.ts";

/** So many rows, and so much text of them, of one exchange: all lists together travel to a Worker in one call of 32 MiB. */
const MAX = { rows: 20_000, length: 4_000_000, ofOneRow: 4_000 };
const EXAMPLES = 3;

export interface TakenList {
  readonly markets: Market[];
  /** How many rows were not taken, and why, for people; empty when all were. */
  readonly leftOut: string;
}

/**
 * One odd row must not cost the list, so it is left out, and so is what is too much. But a list that names markets of
 * another exchange was put in the wrong place: taking a part of it would send the clients of all others away.
 *
 * @throws {ProtocolError} `bad_request` when a row is another exchange's, or none can be taken
 */
export function takeList(exchange: string, rows: readonly Market[]): TakenList {
  const stranger = rows.find((row) => row.exchange !== exchange || !row.instrument.startsWith(`${exchange}:`));
  if (stranger !== undefined) {
    const { instrument, exchange: other } = stranger;
    const what = `"${instrument.slice(0, 80)}" of "${other.slice(0, 40)}"`;
    throw new ProtocolError(
      "bad_request",
      `this list is of ${exchange}, and it names ${what}: put each where it belongs`,
    );
  }
  const list = new TakenRows();
  for (const row of rows) list.offer(row);
  if (rows.length > 0 && list.markets.length === 0) {
    throw new ProtocolError("bad_request", `nothing of this list can be taken: ${list.leftOut}`);
  }
  return { markets: list.markets, leftOut: list.leftOut };
}

class TakenRows {
  readonly markets: Market[] = [];
  readonly #names = new Set<string>();
  readonly #examples: string[] = [];
  #length = 0;
  #leftOut = 0;

  get leftOut(): string {
    if (this.#leftOut === 0) return "";
    const more = this.#leftOut > this.#examples.length ? ", …" : "";
    return `${this.#leftOut} rows of its market list are left out: ${this.#examples.join(", ")}${more}`;
  }

  offer(row: Market): void {
    const { length } = JSON.stringify(row);
    const why = this.#whyNot(row, length);
    if (why === undefined) {
      this.markets.push(row);
      this.#names.add(row.instrument);
      this.#length += length;
      return;
    }
    this.#leftOut += 1;
    if (this.#examples.length < EXAMPLES) this.#examples.push(`${row.instrument.slice(0, 80)} (${why})`);
  }

  #whyNot(row: Market, length: number): string | undefined {
    const { exchange, base, quote } = row;
    if (!isCode(base) || !isCode(quote)) return "no BASE-QUOTE in upper case";
    if (row.instrument !== instrument(exchange, base, quote).name) return `its base and quote are ${base} and ${quote}`;
    if (this.#names.has(row.instrument)) return "named twice";
    if (length > MAX.ofOneRow) return "a row too long";
    if (this.markets.length >= MAX.rows || this.#length + length > MAX.length) return "beyond what is kept of one list";
    return undefined;
  }
}
