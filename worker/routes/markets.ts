import { createRoute } from "@hono/zod-openapi";
import { etag } from "hono/etag";
import { marketsBody } from "../../protocol/rest.ts";
import { directory } from "../directory.ts";
import { filterQuery, json, openApi, problems } from "../open-api.ts";

const listMarkets = createRoute({
  method: "get",
  path: "/v1/markets",
  summary: "Every market, with its names and warnings",
  middleware: [etag()] as const,
  request: { query: filterQuery },
  responses: { 200: json(marketsBody, "The markets that fit"), ...problems },
});

export const marketRoutes = openApi().openapi(listMarkets, async (c) => {
  const markets = (await directory(c.env)).find(c.req.valid("query"));
  // What only clients with a token may read, a cache that they share with others must not keep.
  return c.json({ markets }, 200, {
    "Cache-Control": `${c.env.CLIENT_TOKEN_SECRET ? "private" : "public"}, max-age=10`,
  });
});
