import { createRoute, z } from "@hono/zod-openapi";
import { CLIENT_TOKEN } from "../../protocol/client-token.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { formatPositions, type Positions, parsePositions } from "../../protocol/positions.ts";
import { controlEvent } from "../../protocol/server-sent-events.ts";
import { streamsOfQuery } from "../../protocol/stream-query.ts";
import { openSocket, relaysNear } from "../client-socket.ts";
import { eventStream } from "../event-stream.ts";
import { filterQuery, openApi, problems } from "../open-api.ts";

const LAST_ID = "last_event_id";

const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  // What is compressed or gathered on the way comes late.
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
};

const readEvents = createRoute({
  method: "get",
  path: "/v1/sse",
  summary: "Any number of streams as server-sent events",
  request: {
    query: filterQuery.extend({
      streams: z.string().optional().openapi({ example: "upbit:*-KRW@trade,upbit:BTC-KRW@ticker" }),
      channel: z.string().optional().openapi({ example: "ticker,trade" }),
      rate: z.string().optional().openapi({ example: "1s" }),
      last_event_id: z.string().optional().openapi({ example: "k7f2a9-0:20931,k7f2a9-3:1077" }),
    }),
  },
  responses: {
    200: {
      description: "`data` events of one item each, and `control` events",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...problems,
  },
});

/** `GET /v1/sse`: the streams of the URL over plain HTTP, held by this Worker and fed by a relay. */
export const sseRoutes = openApi().openapi(readEvents, async (c) => {
  const query = new URL(c.req.url).searchParams;
  const streams = streamsOfQuery(query, [LAST_ID, CLIENT_TOKEN.parameter]);
  if (streams.length === 0) {
    throw new ProtocolError("bad_request", "no streams: write streams=upbit:BTC-KRW@trade, or a filter with a channel");
  }
  const { positions, complaint } = lastPositions(query.get(LAST_ID), c.req.header("Last-Event-ID"));
  // There is nobody to read what a relay would send.
  if (c.req.raw.method === "HEAD") return c.body(null, 200, HEADERS);
  const { webSocket } = await openSocket(c, relaysNear(c), streams, { sse: "1", from: formatPositions(positions) });
  return c.body(eventStream(webSocket, complaint), 200, HEADERS);
});

/**
 * Where a reader goes on. The header, which browsers send by themselves when they reconnect, is newer than the URL. One that
 * can't be read is no refusal: an EventSource that is refused never comes back, and its page can't take the header out.
 *
 * @throws {ProtocolError} `bad_request` where the query has none: whoever wrote it can mend it
 */
function lastPositions(
  query: string | null,
  header: string | undefined,
): { readonly positions: Positions; readonly complaint: string } {
  const fromQuery = parsePositions(query ?? "");
  if (header === undefined) return { positions: fromQuery, complaint: "" };
  try {
    return { positions: parsePositions(header), complaint: "" };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { positions: fromQuery, complaint: controlEvent(JSON.stringify({ op: "error", ...error.body })) };
  }
}
