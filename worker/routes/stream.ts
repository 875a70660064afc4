import type { Context } from "hono";
import { CLIENT_TOKEN } from "../../protocol/client-token.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { DEFAULT_RATE, parseChannel, parseRate, stream } from "../../protocol/stream.ts";
import { streamsOfQuery } from "../../protocol/stream-query.ts";
import { connect, orRefuse, relaysNear } from "../client-socket.ts";
import { knownInstrument } from "../directory.ts";
import { feedOf } from "../objects.ts";
import { type AppEnv, openApi } from "../open-api.ts";

const PARAMETERS: readonly string[] = ["channel", "rate", CLIENT_TOKEN.parameter];

/** `GET /v1/stream/{exchange}/{symbol}?channel=ticker,trade&rate=100ms`: a socket held by that instrument's own object. */
export const streamRoutes = openApi();

streamRoutes.get("/v1/stream/:exchange/:symbol", (c) =>
  orRefuse(c, () => toFeed(c, c.req.param("exchange"), c.req.param("symbol"))),
);

/** `GET /v1/stream`: any number of streams on a socket held by a relay; those in the URL need no `subscribe`. */
streamRoutes.get("/v1/stream", (c) => orRefuse(c, () => toRelay(c)));

async function toFeed(c: Context<AppEnv>, exchange: string, symbol: string): Promise<Response> {
  const query = new URL(c.req.url).searchParams;
  for (const key of query.keys()) {
    if (!PARAMETERS.includes(key)) {
      throw new ProtocolError("bad_request", `there is no query parameter "${key}" here: use channel and rate`);
    }
    if (query.getAll(key).length > 1) {
      throw new ProtocolError("bad_request", `"${key}" is given more than once: write channel=ticker,trade`);
    }
  }
  const instrument = await knownInstrument(c.env, exchange, symbol);
  const rate = parseRate(query.get("rate") ?? DEFAULT_RATE);
  const channels = query.get("channel")?.split(",").map(parseChannel) ?? [];
  return connect(
    c,
    [feedOf(c.env, instrument.name)],
    channels.map((channel) => stream(instrument, channel, rate).name),
  );
}

async function toRelay(c: Context<AppEnv>): Promise<Response> {
  const streams = streamsOfQuery(new URL(c.req.url).searchParams, [CLIENT_TOKEN.parameter]);
  return connect(c, relaysNear(c), streams);
}
