import { createRoute } from "@hono/zod-openapi";
import { LIMITS } from "../../protocol/limits.ts";
import { healthBody, infoBody } from "../../protocol/rest.ts";
import { VERSION } from "../../protocol/version.ts";
import { directory } from "../directory.ts";
import { endpointsOf } from "../endpoints.ts";
import { checkHealth, modeOf } from "../health.ts";
import { clientQuery, json, openApi, problems } from "../open-api.ts";

const NO_STORE = { "Cache-Control": "no-store" };

const readInfo = createRoute({
  method: "get",
  path: "/v1/info",
  summary: "What a client needs to choose an endpoint",
  security: [],
  request: { query: clientQuery },
  responses: { 200: json(infoBody, "Endpoints, limits and mode"), ...problems },
});

const readHealth = createRoute({
  method: "get",
  path: "/v1/health",
  summary: "Whether prices flow, and which parts stand behind them",
  security: [],
  request: { query: clientQuery },
  responses: {
    200: json(healthBody, "Up, perhaps degraded"),
    503: json(healthBody, "Down: no prices flow"),
    ...problems,
  },
});

export const serviceRoutes = openApi()
  .openapi(readInfo, async (c) => {
    const endpoints = endpointsOf(c.env.PUBLIC_URL, c.req.url);
    const mode = modeOf(c.env, await directory(c.env), Date.now());
    return c.json({ name: "tickcast" as const, version: VERSION, endpoints, limits: LIMITS, mode }, 200, NO_STORE);
  })
  .openapi(readHealth, async (c) => {
    const health = await checkHealth(c.env, Date.now());
    return c.json(health, health.status === "down" ? 503 : 200, NO_STORE);
  });
