/** The exchanges' whole market lists, as they stand in storage. */

import type { Market } from "../../protocol/ingest.ts";
import { type Migration, migrate } from "../migrate.ts";

/**
 * Length of the text that is kept in one row: a value may have 2 MB, and a character up to three bytes. A whole list may
 * be several times as long.
 */
const PART_LENGTH = 500_000;

export class MarketLists {
  readonly #sql: SqlStorage;
  readonly #lists = new Map<string, readonly Market[]>();
  readonly #leftOut = new Map<string, string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      `CREATE TABLE IF NOT EXISTS market_parts (exchange TEXT NOT NULL, part INTEGER NOT NULL, body TEXT NOT NULL,
       PRIMARY KEY (exchange, part))`,
    );
    sql.exec("CREATE TABLE IF NOT EXISTS left_out (exchange TEXT PRIMARY KEY, what TEXT NOT NULL)");
    migrate(sql, "what the registry has stored", REGISTRY_MIGRATIONS);
    const parts = sql.exec<Part>("SELECT exchange, body FROM market_parts ORDER BY exchange, part");
    for (const { exchange, body } of parts) {
      this.#lists.set(exchange, [...(this.#lists.get(exchange) ?? []), ...(JSON.parse(body) as Market[])]);
    }
    for (const { exchange, what } of sql.exec<{ exchange: string; what: string }>("SELECT * FROM left_out")) {
      this.#leftOut.set(exchange, what);
    }
  }

  /** By exchange. */
  get all(): ReadonlyMap<string, readonly Market[]> {
    return this.#lists;
  }

  /** What of the exchanges' lists was not taken, for people; by exchange. */
  get leftOut(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#leftOut);
  }

  /** Replaces a whole list. Written only when it differs: the ingestor sends it at every refresh. @returns whether it does */
  put(exchange: string, markets: readonly Market[]): boolean {
    const parts = partsOf(markets);
    const before = this.#lists.get(exchange);
    if (before !== undefined && same(parts, partsOf(before))) return false;
    this.#lists.set(exchange, markets);
    writeParts(this.#sql, exchange, parts);
    return true;
  }

  /** @param what empty when all of the list was taken */
  putLeftOut(exchange: string, what: string): void {
    if (what === (this.#leftOut.get(exchange) ?? "")) return;
    if (what === "") {
      this.#leftOut.delete(exchange);
      this.#sql.exec("DELETE FROM left_out WHERE exchange = ?", exchange);
    } else {
      this.#leftOut.set(exchange, what);
      this.#sql.exec("INSERT OR REPLACE INTO left_out (exchange, what) VALUES (?, ?)", exchange, what);
    }
  }
}

type Part = { exchange: string; body: string };

/** To version 2: a list stood in one row, which may be too long for it. */
const REGISTRY_MIGRATIONS: readonly Migration[] = [
  (sql) => {
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'markets'").toArray().length === 0) return;
    for (const { exchange, body } of sql.exec<Part>("SELECT exchange, body FROM markets").toArray()) {
      const isTaken = sql.exec("SELECT 1 FROM market_parts WHERE exchange = ?", exchange).toArray().length > 0;
      if (!isTaken) writeParts(sql, exchange, partsOf(JSON.parse(body) as Market[]));
    }
    sql.exec("DROP TABLE markets");
  },
];

function writeParts(sql: SqlStorage, exchange: string, parts: readonly string[]): void {
  sql.exec("DELETE FROM market_parts WHERE exchange = ?", exchange);
  for (const [part, body] of parts.entries()) {
    sql.exec("INSERT INTO market_parts (exchange, part, body) VALUES (?, ?, ?)", exchange, part, body);
  }
}

/** At least one, so that an empty list is one, too. */
function partsOf(markets: readonly Market[]): string[] {
  const parts: string[] = [];
  let rows: string[] = [];
  let length = 0;
  for (const row of markets.map((market) => JSON.stringify(market))) {
    if (length + row.length > PART_LENGTH && rows.length > 0) {
      parts.push(`[${rows.join(",")}]`);
      [rows, length] = [[], 0];
    }
    rows.push(row);
    length += row.length + 1;
  }
  return [...parts, `[${rows.join(",")}]`];
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}
