/**
 * The Durable Object that knows which instruments there are (`registry`, one for all) and how their exchanges are doing.
 * What is not in it gets `unknown_instrument` and wakes no other object.
 */

import { DurableObject } from "cloudflare:workers";
import type { IngestReport, Market } from "../protocol/ingest.ts";
import type { Env } from "./env.ts";

/** A report and when it came, ms. */
export interface HeldReport extends IngestReport {
  readonly at: number;
}

/** Everything a Worker caches for a moment. */
export interface RegistryView {
  /** Changes whenever a list does. */
  readonly version: string;
  /** By exchange; null when the caller has this version already. */
  readonly markets: Readonly<Record<string, readonly Market[]>> | null;
  readonly reports: Readonly<Record<string, HeldReport>>;
}

export class Registry extends DurableObject<Env> {
  readonly #markets = new Map<string, readonly Market[]>();
  readonly #reports = new Map<string, HeldReport>();
  #version: string = crypto.randomUUID();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS markets (exchange TEXT PRIMARY KEY, body TEXT NOT NULL)");
    for (const row of ctx.storage.sql.exec<{ exchange: string; body: string }>("SELECT * FROM markets")) {
      this.#markets.set(row.exchange, JSON.parse(row.body) as Market[]);
    }
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS reports (exchange TEXT PRIMARY KEY, body TEXT NOT NULL)");
    for (const row of ctx.storage.sql.exec<{ exchange: string; body: string }>("SELECT * FROM reports")) {
      this.#reports.set(row.exchange, JSON.parse(row.body) as HeldReport);
    }
  }

  /** Replaces the list of an exchange. Written only when it differs: the ingestor sends it at every refresh. */
  putMarkets(exchange: string, markets: readonly Market[]): void {
    const body = JSON.stringify(markets);
    if (body === JSON.stringify(this.#markets.get(exchange))) return;
    this.#markets.set(exchange, markets);
    this.#version = crypto.randomUUID();
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO markets (exchange, body) VALUES (?, ?)", exchange, body);
  }

  /**
   * A report is of the last seconds, and the next one comes soon: it is written only when it says something new, so that
   * an object that lost its memory still knows whether there is a Kafka and what the prices are.
   */
  putReport(exchange: string, report: IngestReport): void {
    const before = this.#reports.get(exchange);
    const held = { ...report, at: Date.now() };
    this.#reports.set(exchange, held);
    if (before !== undefined && lasting(before) === lasting(held)) return;
    const body = JSON.stringify(held);
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO reports (exchange, body) VALUES (?, ?)", exchange, body);
  }

  /** @param known the version that the caller has, so that long lists travel only when they have changed */
  view(known?: string): RegistryView {
    const version = this.#version;
    const markets = known === version ? null : Object.fromEntries(this.#markets);
    return { version, markets, reports: Object.fromEntries(this.#reports) };
  }
}

function lasting({ kafka, status: { source, state } }: IngestReport): string {
  return `${kafka}/${source}/${state}`;
}
