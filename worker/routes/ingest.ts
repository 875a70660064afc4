import { refusedUpgrade } from "../../durable-objects/sockets.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { ingestReport, leaseRequest, marketList, SOURCE_HEADER } from "../../protocol/ingest.ts";
import { parseExchange } from "../../protocol/instrument.ts";
import { admit } from "../admission.ts";
import { readBody } from "../body.ts";
import { forgetDirectory, knownInstrument } from "../directory.ts";
import type { Env } from "../env.ts";
import { takeList } from "../market-list.ts";
import { feedOf, leaseOf, partitionFeedOf, registryOf } from "../objects.ts";
import { openApi } from "../open-api.ts";
import { refusal } from "../token.ts";
import { wantsSocket } from "../upgrade.ts";

/** Where the ingestor comes in, with `Authorization: Bearer INGEST_TOKEN`. Not part of the public contract. */
export const ingestRoutes = openApi();

ingestRoutes.use(
  "/v1/ingest/*",
  admit(
    async (c) => (await refusal(c.req.raw, c.env, "INGEST_TOKEN")) ?? otherPrices(c.req.header(SOURCE_HEADER), c.env),
  ),
);

/** Prices of two sources in one feed would be one false history: each source has its own deployment, or its own turn. */
function otherPrices(given: string | undefined, { PRICES: wanted = "live" }: Env): ProtocolError | undefined {
  const source = given ?? "live";
  if (source === wanted) return undefined;
  const how = `set PRICES=${source} for the Worker, or for the ingestor PRICES=${wanted}`;
  return new ProtocolError(
    "bad_request",
    `these are ${source} prices, and this deployment takes ${wanted} ones: ${how}`,
  );
}

ingestRoutes.put("/v1/ingest/:exchange/markets", async (c) => {
  const exchange = parseExchange(c.req.param("exchange"));
  const { markets } = await readBody(c.req.raw, marketList);
  const taken = takeList(exchange, markets);
  await registryOf(c.env).putMarkets(exchange, taken.markets, taken.leftOut);
  forgetDirectory();
  return c.body(null, 204);
});

ingestRoutes.put("/v1/ingest/:exchange/report", async (c) => {
  const exchange = parseExchange(c.req.param("exchange"));
  const report = await readBody(c.req.raw, ingestReport);
  const answer = await registryOf(c.env).putReport(exchange, report);
  forgetDirectory();
  return c.json(answer);
});

ingestRoutes.post("/v1/ingest/:exchange/lease", async (c) => {
  const exchange = parseExchange(c.req.param("exchange"));
  const request = await readBody(c.req.raw, leaseRequest);
  return c.json(await leaseOf(c.env, exchange).hold(request));
});

ingestRoutes.delete("/v1/ingest/:exchange/lease", async (c) => {
  const exchange = parseExchange(c.req.param("exchange"));
  const holder = leaseRequest.shape.holder.safeParse(c.req.query("holder"));
  if (!holder.success) throw new ProtocolError("bad_request", '"holder" must name who gives the lease back: ?holder=…');
  await leaseOf(c.env, exchange).release({ holder: holder.data });
  return c.body(null, 204);
});

ingestRoutes.get("/v1/ingest/:exchange/:symbol", (c) =>
  openSocket(c.req.raw, async () => {
    const { name } = await knownInstrument(c.env, parseExchange(c.req.param("exchange")), c.req.param("symbol"));
    return feedOf(c.env, name).fetch("https://feed/?publish=1", UPGRADE);
  }),
);

ingestRoutes.get("/v1/ingest/:exchange/partitions/:partition", (c) =>
  openSocket(c.req.raw, async () => {
    const exchange = parseExchange(c.req.param("exchange"));
    const partition = c.req.param("partition");
    if (!/^(0|[1-9]\d{0,4})$/.test(partition)) {
      throw new ProtocolError("bad_request", `"${partition.slice(0, 40)}" is not a partition: write a whole number`);
    }
    return partitionFeedOf(c.env, exchange, Number(partition)).fetch("https://partition/", UPGRADE);
  }),
);

const UPGRADE = { headers: { Upgrade: "websocket" } };

async function openSocket(request: Request, open: () => Promise<Response>): Promise<Response> {
  if (!wantsSocket(request)) throw new ProtocolError("bad_request", "open this address as a WebSocket");
  try {
    return await open();
  } catch (error) {
    if (error instanceof ProtocolError) return refusedUpgrade(error);
    throw error;
  }
}
