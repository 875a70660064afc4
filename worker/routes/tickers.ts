import { createRoute } from "@hono/zod-openapi";
import type { ListedTicker } from "../../durable-objects/partition-feed/partition-core.ts";
import type { Directory } from "../../durable-objects/registry/directory.ts";
import type { Market } from "../../protocol/ingest.ts";
import { type RestTicker, restTicker, tickersBody } from "../../protocol/rest.ts";
import { directory, knownInstrument } from "../directory.ts";
import type { Env } from "../env.ts";
import { readLatest } from "../latest-reader.ts";
import { partitionFeedOf } from "../objects.ts";
import { clientQuery, filterQuery, json, openApi, problems, symbolParams } from "../open-api.ts";

const NO_STORE = { "Cache-Control": "no-store" };

const listTickers = createRoute({
  method: "get",
  path: "/v1/tickers",
  summary: "The newest ticker of every instrument that fits",
  request: { query: filterQuery },
  responses: { 200: json(tickersBody, "The newest known value of each"), ...problems },
});

const readTicker = createRoute({
  method: "get",
  path: "/v1/tickers/{exchange}/{symbol}",
  summary: "The newest ticker of one instrument, never older than about two seconds",
  request: { params: symbolParams, query: clientQuery },
  responses: { 200: json(restTicker, "Its ticker; null while nothing has come of it yet"), ...problems },
});

export const tickerRoutes = openApi()
  .openapi(listTickers, async (c) => {
    const registry = await directory(c.env);
    const markets = registry.find(c.req.valid("query"));
    const known = await listed(c.env, registry, markets);
    const tickers = markets.map(({ instrument }) => known.get(instrument) ?? nothingYet(instrument));
    return c.json({ tickers }, 200, NO_STORE);
  })
  .openapi(readTicker, async (c) => {
    const { exchange, symbol } = c.req.valid("param");
    const instrument = await knownInstrument(c.env, exchange, symbol);
    return c.json((await readLatest(c.env, instrument)) ?? nothingYet(instrument.name), 200, NO_STORE);
  });

/** Asks the partitions that these markets are in, and no others. */
async function listed(env: Env, registry: Directory, markets: readonly Market[]): Promise<Map<string, RestTicker>> {
  const wanted = new Map<string, { exchange: string; partition: number; instruments: string[] }>();
  for (const market of markets) {
    const { exchange, instrument } = market;
    const partition = registry.partitionOf(market);
    const one = wanted.get(`${exchange}/${partition}`) ?? { exchange, partition, instruments: [] };
    one.instruments.push(instrument);
    wanted.set(`${exchange}/${partition}`, one);
  }
  const lists = await Promise.all(
    [...wanted.values()].map(({ exchange, partition, instruments }) =>
      partitionFeedOf(env, exchange, partition).tickers(instruments),
    ),
  );
  return new Map(lists.flat().map((one) => [one.instrument, restForm(one)]));
}

function restForm({ asOf: _asOf, ...ticker }: ListedTicker): RestTicker {
  return ticker;
}

function nothingYet(instrument: string): RestTicker {
  return { instrument, epoch: null, seq: null, source: null, ticker: null, t: null };
}
