import type { Context } from "hono";
import { refusedUpgrade } from "../../durable-objects/sockets.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { DEFAULT_RATE, parseChannel, parseRate, stream } from "../../protocol/stream.ts";
import { knownInstrument } from "../directory.ts";
import { feedOf } from "../objects.ts";
import { type AppEnv, openApi } from "../open-api.ts";
import { guardSocket } from "../socket-guard.ts";
import { wantsSocket, withoutCompression } from "../upgrade.ts";

/** `GET /v1/stream/{exchange}/{symbol}?channel=ticker,trade&rate=100ms`: a socket held by that instrument's own object. */
export const streamRoutes = openApi();

streamRoutes.get("/v1/stream/:exchange/:symbol", async (c) => {
  if (!wantsSocket(c.req.raw)) throw new ProtocolError("bad_request", "open this address as a WebSocket");
  try {
    return await openSocket(c, c.req.param("exchange"), c.req.param("symbol"));
  } catch (error) {
    // Browsers can't read a refused upgrade: accept, say why, close.
    if (error instanceof ProtocolError) return refusedUpgrade(error);
    throw error;
  }
});

async function openSocket(c: Context<AppEnv>, exchange: string, symbol: string): Promise<Response> {
  const query = new URL(c.req.url).searchParams;
  for (const key of query.keys()) {
    if (key !== "channel" && key !== "rate") {
      throw new ProtocolError("bad_request", `there is no query parameter "${key}" here: use channel and rate`);
    }
    if (query.getAll(key).length > 1) {
      throw new ProtocolError("bad_request", `"${key}" is given more than once: write channel=ticker,trade`);
    }
  }
  const instrument = await knownInstrument(c.env, exchange, symbol);
  const rate = parseRate(query.get("rate") ?? DEFAULT_RATE);
  const channels = query.get("channel")?.split(",").map(parseChannel) ?? [];
  const target = new URL("https://feed/");
  for (const channel of channels) target.searchParams.append("stream", stream(instrument, channel, rate).name);
  target.searchParams.set("region", regionOf(c.req.raw));
  // A turn of the runtime's loop, in which it may notice that the client has gone already: then this ends here.
  await scheduler.wait(1);
  const session = crypto.randomUUID();
  target.searchParams.set("session", session);
  const feed = feedOf(c.env, instrument.name);
  const connection = new AbortController();
  const response = await feed.fetch(target, { headers: { Upgrade: "websocket" }, signal: connection.signal });
  c.executionCtx.waitUntil(guardSocket(() => feed.standing(session), connection));
  return c.env.WEBSOCKET_COMPRESSION === "refused" ? withoutCompression(c.req.raw, response) : response;
}

/** The continent whose edge took the connection, in the platform's own words; `local` on a developer's machine. */
function regionOf(request: Request): string {
  const continent = (request.cf as IncomingRequestCfProperties | undefined)?.continent;
  const regions: Record<string, string> = { AS: "apac", EU: "weur", NA: "enam", SA: "sam", OC: "oc", AF: "afr" };
  return (continent === undefined ? undefined : regions[continent]) ?? "local";
}
