import { createRoute } from "@hono/zod-openapi";
import { exchangesBody } from "../../protocol/rest.ts";
import { directory } from "../directory.ts";
import { exchangeStatuses } from "../exchange-status.ts";
import { clientQuery, json, openApi, problems } from "../open-api.ts";

const listExchanges = createRoute({
  method: "get",
  path: "/v1/exchanges",
  summary: "How each exchange is doing",
  request: { query: clientQuery },
  responses: { 200: json(exchangesBody, "State, source and completeness of every exchange"), ...problems },
});

export const exchangeRoutes = openApi().openapi(listExchanges, async (c) => {
  const exchanges = exchangeStatuses(await directory(c.env), Date.now());
  return c.json({ exchanges }, 200, { "Cache-Control": "no-store" });
});
