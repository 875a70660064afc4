import { timingSafeEqual } from "hono/utils/buffer";
import type { z } from "zod";
import type { Env } from "../../durable-objects/env.ts";
import { refusedUpgrade } from "../../durable-objects/sockets.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { ingestReport, marketList } from "../../protocol/ingest.ts";
import { isCode, parseExchange } from "../../protocol/instrument.ts";
import { forgetDirectory, knownInstrument } from "../directory.ts";
import { openApi } from "../open-api.ts";
import { wantsSocket } from "../upgrade.ts";

/** Where the ingestor comes in, with `Authorization: Bearer INGEST_TOKEN`. Not part of the public contract. */
export const ingestRoutes = openApi();

/** Publishing starts near the exchange: only an object's first `get()` decides where it lives. */
const NEAR_EXCHANGE: ReadonlyMap<string, DurableObjectLocationHint> = new Map([["upbit", "apac"]]);

ingestRoutes.use("/v1/ingest/*", async (c, next) => {
  const token = /^Bearer (.+)$/.exec(c.req.header("Authorization") ?? "")?.[1];
  const { INGEST_TOKEN: wanted } = c.env;
  if (token !== undefined && wanted && (await timingSafeEqual(token, wanted))) return next();
  const how = wanted
    ? "send Authorization: Bearer with the deployment's INGEST_TOKEN"
    : "this deployment has no INGEST_TOKEN: set it with `wrangler secret put INGEST_TOKEN`";
  const error = new ProtocolError("unauthorized", how);
  if (wantsSocket(c.req.raw)) return refusedUpgrade(error);
  throw error;
});

ingestRoutes.put("/v1/ingest/:exchange/markets", async (c) => {
  const { markets } = await body(c.req.raw, marketList);
  await c.env.REGISTRY.getByName("registry").putMarkets(parseExchange(c.req.param("exchange")), markets);
  forgetDirectory();
  return c.body(null, 204);
});

ingestRoutes.put("/v1/ingest/:exchange/report", async (c) => {
  const report = await body(c.req.raw, ingestReport);
  await c.env.REGISTRY.getByName("registry").putReport(parseExchange(c.req.param("exchange")), report);
  forgetDirectory();
  return c.body(null, 204);
});

ingestRoutes.get("/v1/ingest/:exchange/:symbol", async (c) => {
  if (!wantsSocket(c.req.raw)) throw new ProtocolError("bad_request", "open this address as a WebSocket");
  try {
    const exchange = parseExchange(c.req.param("exchange"));
    const symbol = c.req.param("symbol");
    if (symbol.startsWith("*-")) return await publishMarket(c.env, exchange, symbol, c.req.query("partition") ?? "0");
    const { name } = await knownInstrument(c.env, exchange, symbol);
    return await c.env.SYMBOL_FEED.getByName(name, nearExchange(exchange)).fetch("https://feed/?publish=1", UPGRADE);
  } catch (error) {
    if (error instanceof ProtocolError) return refusedUpgrade(error);
    throw error;
  }
});

const UPGRADE = { headers: { Upgrade: "websocket" } };

function publishMarket(env: Env, exchange: string, symbol: string, partition: string): Promise<Response> {
  if (!isCode(symbol.slice(2))) throw new ProtocolError("bad_request", `"${symbol}" is not a market: write *-QUOTE`);
  if (!/^\d{1,6}$/.test(partition)) throw new ProtocolError("bad_request", '"partition" must be a whole number');
  const market = env.MARKET_FEED.getByName(`${exchange}:${symbol}`, nearExchange(exchange));
  return market.fetch(`https://market/?partition=${partition}`, UPGRADE);
}

function nearExchange(exchange: string): DurableObjectNamespaceGetDurableObjectOptions {
  const locationHint = NEAR_EXCHANGE.get(exchange);
  return locationHint === undefined ? {} : { locationHint };
}

async function body<T extends z.ZodType>(request: Request, schema: T): Promise<z.infer<T>> {
  const json: unknown = await request.json().catch(() => {
    throw new ProtocolError("bad_request", "the body is not JSON");
  });
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ProtocolError("bad_request", `"${issue?.path.join(".")}": ${issue?.message}`);
}
