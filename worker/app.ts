/** The HTTP surface: one file per group of routes, errors as problem documents, OpenAPI from the schemas that validate. */

import { methodNotAllowed } from "hono/method-not-allowed";
import { ProtocolError } from "../protocol/errors.ts";
import { VERSION } from "../protocol/version.ts";
import { admit } from "./admission.ts";
import { clientScheme, clientsOnly } from "./client-token.ts";
import { openApi } from "./open-api.ts";
import { operatorScheme } from "./operator.ts";
import { crossOrigin, originRefusal } from "./origins.ts";
import { methodProblem, problemResponse } from "./problem.ts";
import { rateLimits } from "./rate-limits.ts";
import { adminRoutes } from "./routes/admin.ts";
import { docsRoutes } from "./routes/docs.ts";
import { exchangeRoutes } from "./routes/exchanges.ts";
import { ingestRoutes } from "./routes/ingest.ts";
import { marketRoutes } from "./routes/markets.ts";
import { registrationRoutes } from "./routes/registrations.ts";
import { serviceRoutes } from "./routes/service.ts";
import { sseRoutes } from "./routes/sse.ts";
import { streamRoutes } from "./routes/stream.ts";
import { tickerRoutes } from "./routes/tickers.ts";
import { tradeRoutes } from "./routes/trades.ts";

export const app = openApi();

app.use("*", crossOrigin);
app.use("*", admit(originRefusal));
app.use("*", rateLimits);
app.use("/v1/*", clientsOnly);
app.use("*", methodNotAllowed({ app, onMethodNotAllowed: (c, allowed) => methodProblem(c, allowed) }));
app.route("/", exchangeRoutes);
app.route("/", marketRoutes);
app.route("/", tickerRoutes);
app.route("/", tradeRoutes);
app.route("/", serviceRoutes);
app.route("/", streamRoutes);
app.route("/", sseRoutes);
app.route("/", ingestRoutes);
app.route("/", registrationRoutes);
app.route("/", adminRoutes);
app.openAPIRegistry.registerComponent("securitySchemes", "operator", operatorScheme);
app.openAPIRegistry.registerComponent("securitySchemes", "client", clientScheme);

app.use("/openapi.json", async (c, next) => {
  await next();
  c.header("Cache-Control", "no-store");
});
app.doc31("/openapi.json", ({ env }) => ({
  ...(env.CLIENT_TOKEN_SECRET ? { security: [{ client: [] }] } : {}),
  openapi: "3.1.0",
  info: {
    title: "Tickcast",
    version: VERSION,
    description: "Live prices of every coin on every exchange, provably complete.",
  },
}));
app.route("/", docsRoutes);

app.notFound((c) => problemResponse(c, new ProtocolError("not_found", `there is nothing at ${c.req.path}: see /docs`)));
app.onError((error, c) => {
  if (error instanceof ProtocolError) return problemResponse(c, error);
  console.error("request failed", c.req.method, c.req.path, error);
  return problemResponse(c, new ProtocolError("internal", "something went wrong here: try again later"));
});
