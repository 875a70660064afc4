import { timingSafeEqual } from "hono/utils/buffer";
import type { z } from "zod";
import { refusedUpgrade } from "../../durable-objects/sockets.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { ingestReport, marketList } from "../../protocol/ingest.ts";
import { isCode, parseExchange } from "../../protocol/instrument.ts";
import { knownInstrument } from "../directory.ts";
import { openApi } from "../open-api.ts";

/** Where the ingestor comes in, with `Authorization: Bearer INGEST_TOKEN`. Not part of the public contract. */
export const ingestRoutes = openApi();

/** Publishing starts near the exchange: only an object's first `get()` decides where it lives. */
const NEAR_EXCHANGE: Readonly<Record<string, DurableObjectLocationHint>> = { upbit: "apac" };

ingestRoutes.use("/v1/ingest/*", async (c, next) => {
  const token = /^Bearer (.+)$/.exec(c.req.header("Authorization") ?? "")?.[1];
  if (token !== undefined && (await timingSafeEqual(token, c.env.INGEST_TOKEN))) return next();
  const error = new ProtocolError("unauthorized", "send Authorization: Bearer with the deployment's INGEST_TOKEN");
  if (c.req.header("Upgrade") === "websocket") return refusedUpgrade(error);
  throw error;
});

ingestRoutes.put("/v1/ingest/:exchange/markets", async (c) => {
  const { markets } = await body(c.req.raw, marketList);
  await c.env.REGISTRY.getByName("registry").putMarkets(parseExchange(c.req.param("exchange")), markets);
  return c.body(null, 204);
});

ingestRoutes.put("/v1/ingest/:exchange/report", async (c) => {
  const report = await body(c.req.raw, ingestReport);
  await c.env.REGISTRY.getByName("registry").putReport(parseExchange(c.req.param("exchange")), report);
  return c.body(null, 204);
});

ingestRoutes.get("/v1/ingest/:exchange/:symbol", async (c) => {
  if (c.req.header("Upgrade") !== "websocket")
    throw new ProtocolError("bad_request", "open this address as a WebSocket");
  const exchange = parseExchange(c.req.param("exchange"));
  const symbol = c.req.param("symbol");
  const options = NEAR_EXCHANGE[exchange] === undefined ? {} : { locationHint: NEAR_EXCHANGE[exchange] };
  const headers = { Upgrade: "websocket" };
  if (symbol.startsWith("*-")) {
    const quote = symbol.slice(2);
    if (!isCode(quote))
      return refusedUpgrade(new ProtocolError("bad_request", `"${symbol}" is not a market: write *-QUOTE`));
    const partition = c.req.query("partition") ?? "0";
    return c.env.MARKET_FEED.getByName(`${exchange}:*-${quote}`, options).fetch(
      `https://market/?partition=${partition}`,
      { headers },
    );
  }
  try {
    const { name } = await knownInstrument(c.env, exchange, symbol);
    return await c.env.SYMBOL_FEED.getByName(name, options).fetch("https://feed/?publish=1", { headers });
  } catch (error) {
    if (error instanceof ProtocolError) return refusedUpgrade(error);
    throw error;
  }
});

async function body<T extends z.ZodType>(request: Request, schema: T): Promise<z.infer<T>> {
  const json: unknown = await request.json().catch(() => {
    throw new ProtocolError("bad_request", "the body is not JSON");
  });
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ProtocolError("bad_request", `"${issue?.path.join(".")}": ${issue?.message}`);
}
