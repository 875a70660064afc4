/**
 * The Durable Object that knows which instruments there are (`registry`, one for all), which of them are collected, and how
 * their exchanges are doing. What is not collected gets `unknown_instrument` and wakes no other object.
 */

import { DurableObject } from "cloudflare:workers";
import type { z } from "zod";
import { timestamp } from "../../protocol/events.ts";
import {
  type DrainOrder,
  type IngestReport,
  ingestReport,
  type Market,
  type ReportAnswer,
} from "../../protocol/ingest.ts";
import { parseCovered, type Registration } from "../../protocol/registrations.ts";
import type { Settings } from "../settings.ts";
import { MarketLists } from "./market-lists.ts";
import { RegistrationRules } from "./registration-rules.ts";
import { RelayCounts, type RelayWord } from "./relay-counts.ts";

const heldReport = ingestReport.extend({ at: timestamp });
/** A report and when it came, ms. */
export type HeldReport = z.infer<typeof heldReport>;

/** Everything a Worker caches for a moment. */
export interface RegistryView {
  /** Changes whenever a list does. */
  readonly version: string;
  /** What is collected, by exchange; null when the caller has this version already. */
  readonly markets: Readonly<Record<string, readonly Market[]>> | null;
  /** What of the exchanges' lists was not taken, for people; by exchange. */
  readonly leftOut: Readonly<Record<string, string>>;
  readonly reports: Readonly<Record<string, HeldReport>>;
}

/** A report older than this, ms, says nothing of now. */
export const REPORT_LIFE = 15_000;
/** Every ingestor reports several times within this, ms: then it has been told of a drain. */
const DRAIN_LIFE = 15_000;

export class Registry extends DurableObject<Settings> {
  /** Whole lists, whatever of them is collected. */
  readonly #lists: MarketLists;
  readonly #reports = new Map<string, HeldReport>();
  readonly #rules: RegistrationRules;
  #drain: { readonly order: DrainOrder; readonly at: number } | undefined;
  readonly #relays = new RelayCounts();
  #version: string = crypto.randomUUID();

  constructor(ctx: DurableObjectState, env: Settings) {
    super(ctx, env);
    this.#lists = new MarketLists(ctx.storage.sql);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS reports (exchange TEXT PRIMARY KEY, body TEXT NOT NULL)");
    for (const row of ctx.storage.sql.exec<{ exchange: string; body: string }>("SELECT * FROM reports")) {
      this.#reports.set(row.exchange, heldReport.parse(JSON.parse(row.body)));
    }
    this.#rules = new RegistrationRules(ctx.storage.sql);
  }

  /** Replaces the whole list of an exchange. @param leftOut what of it was not taken, for people; empty when all was */
  putMarkets(exchange: string, markets: readonly Market[], leftOut = ""): void {
    if (this.#lists.put(exchange, markets)) this.#version = crypto.randomUUID();
    this.#lists.putLeftOut(exchange, leftOut);
  }

  /** Takes a report, unless a collector of a higher term has reported just now. @returns what the ingestor is to do */
  putReport(exchange: string, report: IngestReport): ReportAnswer {
    const now = Date.now();
    const before = this.#reports.get(exchange);
    const superseded = before !== undefined && report.term < before.term && now - before.at <= REPORT_LIFE;
    if (!superseded) this.#holdReport(exchange, { ...report, at: now });
    const registrations = this.#rules.all
      .filter((rule) => rule.exchange === exchange)
      .map(({ symbol, collected }) => ({ symbol, collected }));
    const drain = this.#drain !== undefined && now - this.#drain.at <= DRAIN_LIFE ? this.#drain.order : null;
    // Another one of the exchange is told: what there is now must not be counted twice.
    const relays = superseded ? undefined : this.#relays.take(exchange, this.#isFirst(exchange, now), now);
    return { registrations, drain, ...(relays === undefined ? {} : { relays }) };
  }

  /** The rules that say what is collected. */
  registrations(): Registration[] {
    return this.#rules.all;
  }

  /** Sets a rule whose symbol is in good form. @returns what it names that there isn't; null when it was set */
  register(rule: Registration): string | null {
    const problem = this.#whyUnknown(rule);
    if (problem === null && this.#rules.set(rule)) this.#version = crypto.randomUUID();
    return problem;
  }

  /** Every ingestor that reports from now on is asked to have its clients reconnect within `within` ms. */
  drain(within: number): DrainOrder {
    const order = { id: crypto.randomUUID(), within };
    this.#drain = { order, at: Date.now() };
    return order;
  }

  /**
   * @param known the version that the caller has, so that long lists travel only when they have changed
   * @param word what the caller has counted, if it is a relay
   */
  view(known?: string, word?: RelayWord): RegistryView {
    if (word !== undefined) this.#relays.put(word, Date.now());
    const version = this.#version;
    const collected = () =>
      [...this.#lists.all].map(([exchange, all]) => [exchange, this.#rules.collected(exchange, all)] as const);
    const markets = known === version ? null : Object.fromEntries(collected());
    return { version, markets, leftOut: this.#lists.leftOut, reports: Object.fromEntries(this.#reports) };
  }

  /**
   * A report is of the last seconds, and the next one comes soon: it is written only when it says something new, so that
   * an object that lost its memory still knows whether there is a Kafka, where an instrument is in it, and what the prices are.
   */
  #holdReport(exchange: string, report: HeldReport): void {
    const before = this.#reports.get(exchange);
    // Not every ingestor knows its log, and one of an earlier version does not say: the last word holds.
    const held = before?.partitions === undefined ? report : { partitions: before.partitions, ...report };
    this.#reports.set(exchange, held);
    if (before !== undefined && lasting(before) === lasting(held)) return;
    const body = JSON.stringify(held);
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO reports (exchange, body) VALUES (?, ?)", exchange, body);
  }

  /** Whether an exchange is the first of those whose ingestors report. */
  #isFirst(exchange: string, now: number): boolean {
    const reporting = [...this.#reports].filter(([, { at }]) => now - at <= REPORT_LIFE).map(([name]) => name);
    return reporting.sort()[0] === exchange;
  }

  #whyUnknown({ exchange, symbol }: Registration): string | null {
    const markets = this.#lists.all.get(exchange);
    if (markets === undefined) {
      const known = [...this.#lists.all.keys()].sort().join(", ") || "none yet, an ingestor tells them when it starts";
      return `there is no exchange ${exchange} here: known are ${known}`;
    }
    // A rule may outlive its instrument, and must still go when it is no longer wanted.
    if (symbol === "*-*" || this.#rules.has(exchange, symbol)) return null;
    const { base, quote } = parseCovered(exchange, symbol);
    if (markets.some((one) => one.quote === quote && (base === null || one.base === base))) return null;
    if (base === null) {
      const quotes = [...new Set(markets.map((one) => one.quote))].sort().join(", ") || "none";
      return `${exchange} has no market ${symbol}: its quotes are ${quotes}`;
    }
    const swapped = markets.some((one) => one.quote === base && one.base === quote);
    const hint = swapped ? `did you mean ${exchange}:${quote}-${base}?` : "write a symbol that the exchange lists";
    return `there is no ${exchange}:${symbol}: ${hint}`;
  }
}

function lasting({ kafka, term, partitions, status: { source, state } }: IngestReport): string {
  return `${kafka}/${term}/${source}/${state}/${partitions}`;
}
