import { createRoute, z } from "@hono/zod-openapi";
import { TRADES_LIMIT, tradesBody } from "../../protocol/rest.ts";
import { wholeNumber } from "../../protocol/whole-number.ts";
import { knownInstrument } from "../directory.ts";
import { feedOf } from "../objects.ts";
import { clientQuery, json, openApi, problems, symbolParams } from "../open-api.ts";

const limit = wholeNumber
  .pipe(z.number().min(1).max(TRADES_LIMIT.max))
  .default(TRADES_LIMIT.default)
  .openapi({ type: "integer", minimum: 1, maximum: TRADES_LIMIT.max, default: TRADES_LIMIT.default, example: 100 });

const listTrades = createRoute({
  method: "get",
  path: "/v1/trades/{exchange}/{symbol}",
  summary: "The newest trades of one instrument, newest last",
  request: { params: symbolParams, query: clientQuery.extend({ limit }) },
  responses: { 200: json(tradesBody, "The trades, and the position they reach up to"), ...problems },
});

export const tradeRoutes = openApi().openapi(listTrades, async (c) => {
  const { exchange, symbol } = c.req.valid("param");
  const instrument = await knownInstrument(c.env, exchange, symbol);
  const { source, epoch, seq, trades } = await feedOf(c.env, instrument.name).trades(c.req.valid("query").limit);
  return c.json({ instrument: instrument.name, source, epoch, seq, trades }, 200, { "Cache-Control": "no-store" });
});
