/** The rules that say what is collected, as they stand in storage. */

import type { Market } from "../../protocol/ingest.ts";
import { isCollected, type Registration, withRule } from "../../protocol/registrations.ts";

export class RegistrationRules {
  readonly #sql: SqlStorage;
  #rules: readonly Registration[];

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      `CREATE TABLE IF NOT EXISTS rules (exchange TEXT NOT NULL, symbol TEXT NOT NULL, collected INTEGER NOT NULL,
       PRIMARY KEY (exchange, symbol))`,
    );
    this.#rules = sql
      .exec<{ exchange: string; symbol: string; collected: number }>("SELECT exchange, symbol, collected FROM rules")
      .toArray()
      .map(({ collected, ...rule }) => ({ ...rule, collected: collected === 1 }));
  }

  /** All of them, by exchange and symbol. */
  get all(): Registration[] {
    const name = ({ exchange, symbol }: Registration) => `${exchange}:${symbol}`;
    return this.#rules.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
  }

  /** Whether there is a rule for exactly this symbol. */
  has(exchange: string, symbol: string): boolean {
    return this.#rules.some((rule) => rule.exchange === exchange && rule.symbol === symbol);
  }

  /** Those of a list that are collected. */
  collected(exchange: string, markets: readonly Market[]): readonly Market[] {
    const rules = this.#rules.filter((rule) => rule.exchange === exchange);
    return markets.filter(({ base, quote }) => isCollected(rules, exchange, base, quote));
  }

  /** @returns whether anything changes by it */
  set(rule: Registration): boolean {
    const before = this.#rules;
    this.#rules = withRule(before, rule);
    const gone = before.filter((one) => !this.#rules.includes(one));
    const added = this.#rules.filter((one) => !before.includes(one));
    for (const { exchange, symbol } of gone) {
      this.#sql.exec("DELETE FROM rules WHERE exchange = ? AND symbol = ?", exchange, symbol);
    }
    for (const { exchange, symbol, collected } of added) {
      this.#sql.exec(
        "INSERT INTO rules (exchange, symbol, collected) VALUES (?, ?, ?)",
        exchange,
        symbol,
        collected ? 1 : 0,
      );
    }
    return gone.length + added.length > 0;
  }
}
