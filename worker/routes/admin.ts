import { createRoute } from "@hono/zod-openapi";
import { drainOrder } from "../../protocol/ingest.ts";
import { drainRequest } from "../../protocol/rest.ts";
import { readBody } from "../body.ts";
import { registryOf } from "../objects.ts";
import { json, openApi, problems, takesNoQuery } from "../open-api.ts";
import { operatorOnly, operatorSecurity } from "../operator.ts";

const drain = createRoute({
  method: "post",
  path: "/v1/admin/drain",
  summary: "Ask every client to reconnect, spread over some time: before a deploy, which drops them all at once",
  security: operatorSecurity,
  request: { body: { required: false, content: { "application/json": { schema: drainRequest } } } },
  responses: { 202: json(drainOrder, "The ingestors pass it on within seconds"), ...problems },
});

/** What else the operator may do, with `Authorization: Bearer ADMIN_TOKEN`. */
export const adminRoutes = openApi();

adminRoutes.use("/v1/admin/*", operatorOnly);

// Only described by its schema: the router's own reading of bodies depends on their Content-Type.
adminRoutes.openAPIRegistry.registerPath(drain);
adminRoutes.post("/v1/admin/drain", takesNoQuery, async (c) => {
  const { within } = await readBody(c.req.raw, drainRequest);
  return c.json(await registryOf(c.env).drain(within), 202, { "Cache-Control": "no-store" });
});
