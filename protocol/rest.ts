/** The bodies of the REST API, PROTOCOL.md §7. OpenAPI is made from these same schemas. */

import { z } from "zod";
import { source, tickerFields, timestamp } from "./events.ts";
import { feedState, limits, path, tradeItem } from "./frames.ts";
import { componentState, market } from "./ingest.ts";
import { registration } from "./registrations.ts";

const seq = z.int().nonnegative();

/** RFC 9457, with our code and whether trying again can help. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  retryable: z.boolean(),
});

/** How an exchange is doing; `asOf`: up to when (ms) it is known to be complete. */
export const exchangeStatus = z.object({
  exchange: z.string(),
  state: feedState,
  source,
  since: timestamp,
  asOf: timestamp.nullable(),
  detail: z.string().optional(),
  markets: z.int(),
  lastEventTime: timestamp.nullable(),
});
export const exchangesBody = z.object({ exchanges: z.array(exchangeStatus) });

export const marketsBody = z.object({ markets: z.array(market) });

/** `epoch` and `seq` are null, as is `ticker`, where an instrument is known but nothing has come of it yet. */
export const restTicker = z.object({
  instrument: z.string(),
  epoch: z.string().nullable(),
  seq: seq.nullable(),
  source: source.nullable(),
  ticker: tickerFields.nullable(),
  t: path.omit({ edge: true }).nullable(),
});
export type RestTicker = z.infer<typeof restTicker>;
export const tickersBody = z.object({ tickers: z.array(restTicker) });

export const tradesBody = z.object({
  instrument: z.string(),
  /** Null where nothing has come of it yet. */
  source: source.nullable(),
  epoch: z.string().nullable(),
  seq,
  trades: z.array(tradeItem),
});
export const TRADES_LIMIT = { default: 100, max: 1000 } as const;

/** Which real parts stand behind this deployment. */
export const mode = z.enum(["kafka+redis", "kafka", "redis", "direct"]);
export type Mode = z.infer<typeof mode>;

export const infoBody = z.object({
  name: z.literal("tickcast"),
  version: z.string(),
  endpoints: z.object({ stream: z.string(), sse: z.string(), rest: z.string() }),
  limits: limits.required(),
  mode,
});

const component = z.object({ state: componentState, detail: z.string().optional() });
export const healthBody = z.object({
  status: z.enum(["ok", "degraded", "down"]),
  mode,
  components: z.object({
    kafka: component,
    redis: component,
    edge: component,
    exchanges: z.record(z.string(), exchangeStatus.omit({ exchange: true })),
  }),
  /** What is missing and how to get it. */
  hints: z.array(z.string()),
});
export type HealthBody = z.infer<typeof healthBody>;

/** The rules that say what is collected; what none of them names is. */
export const registrationsBody = z.object({ registrations: z.array(registration), default: z.literal("all") });
/** `symbol` is `BASE-QUOTE`, `*-QUOTE` or `*-*`. Strict: a field that is passed over might have meant the opposite. */
export const registrationRequest = z.strictObject({ exchange: z.string(), symbol: z.string() });

/** `within`: over how many ms the clients spread their coming back. */
export const drainRequest = z.strictObject({ within: z.int().min(1000).max(60_000).default(5000) });
