import { createRoute, z } from "@hono/zod-openapi";
import { ProtocolError } from "../../protocol/errors.ts";
import { parseExchange } from "../../protocol/instrument.ts";
import { parseCovered, type Registration, registration } from "../../protocol/registrations.ts";
import { registrationRequest, registrationsBody } from "../../protocol/rest.ts";
import { readBody } from "../body.ts";
import { forgetDirectory } from "../directory.ts";
import type { Env } from "../env.ts";
import { registryOf } from "../objects.ts";
import { json, openApi, problems, takesNoQuery } from "../open-api.ts";
import { operatorOnly, operatorSecurity } from "../operator.ts";

const NO_STORE = { "Cache-Control": "no-store" };
const SYMBOLS = "`BASE-QUOTE` for an instrument, `*-QUOTE` for a quote market, `*-*` for the whole exchange";

const listRegistrations = createRoute({
  method: "get",
  path: "/v1/registrations",
  summary: "The rules that say what is collected; the most specific one decides, and what none names is collected",
  security: operatorSecurity,
  request: { query: z.strictObject({}) },
  responses: { 200: json(registrationsBody, "Every rule there is"), ...problems },
});

const collect = createRoute({
  method: "post",
  path: "/v1/registrations",
  summary: "Collect an instrument, a quote market or an exchange",
  description: `\`symbol\`: ${SYMBOLS}.`,
  security: operatorSecurity,
  request: { body: { required: true, content: { "application/json": { schema: registrationRequest } } } },
  responses: { 200: json(registration, "What holds now"), ...problems },
});

const stopCollecting = createRoute({
  method: "delete",
  path: "/v1/registrations/{exchange}/{symbol}",
  summary: "Stop collecting an instrument, a quote market or an exchange",
  description: `\`symbol\`: ${SYMBOLS}.`,
  security: operatorSecurity,
  request: {
    params: z.object({
      exchange: z.string().openapi({ example: "upbit" }),
      symbol: z.string().openapi({ example: "*-BTC" }),
    }),
    query: z.strictObject({}),
  },
  responses: { 204: { description: "It is not collected now" }, ...problems },
});

/** Which exchange, quote market or instrument is collected: the operator's, with `Authorization: Bearer ADMIN_TOKEN`. */
export const registrationRoutes = openApi();

registrationRoutes.use("/v1/registrations/*", operatorOnly);

registrationRoutes
  .openapi(listRegistrations, async (c) => {
    const registrations = await registryOf(c.env).registrations();
    return c.json({ registrations, default: "all" as const }, 200, NO_STORE);
  })
  .openapi(stopCollecting, async (c) => {
    const { exchange, symbol } = c.req.valid("param");
    await register(c.env, { exchange, symbol, collected: false });
    return c.body(null, 204);
  });

// Only described by its schema: the router's own reading of bodies depends on their Content-Type.
registrationRoutes.openAPIRegistry.registerPath(collect);
registrationRoutes.post("/v1/registrations", takesNoQuery, async (c) => {
  const { exchange, symbol } = await readBody(c.req.raw, registrationRequest);
  const rule = { exchange, symbol, collected: true };
  await register(c.env, rule);
  return c.json(rule, 200, NO_STORE);
});

/** @throws {ProtocolError} `bad_request` for a malformed name, `unknown_instrument` for what the exchange does not list */
async function register(env: Env, rule: Registration): Promise<void> {
  parseCovered(parseExchange(rule.exchange), rule.symbol);
  const problem = await registryOf(env).register(rule);
  if (problem !== null) throw new ProtocolError("unknown_instrument", problem);
  forgetDirectory();
}
