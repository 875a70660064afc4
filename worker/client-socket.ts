/** A client's socket on its way to the object that holds it. */

import type { Context } from "hono";
import type { Standing } from "../durable-objects/clients/socket-pool.ts";
import { refusedUpgrade } from "../durable-objects/sockets.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import { addressOf } from "./client-address.ts";
import { relayOf, relaysPerRegion } from "./objects.ts";
import type { AppEnv } from "./open-api.ts";
import { regionOf } from "./region.ts";
import { guardSocket } from "./socket-guard.ts";
import { wantsSocket, withoutCompression } from "./upgrade.ts";

const TOO_MANY = `at most ${LIMITS.connections_per_address} connections from one address at the same time: close one`;

/** An object that holds clients' sockets. */
interface Holder {
  fetch(url: URL, init: { headers: HeadersInit; signal: AbortSignal }): Promise<Response>;
  standing(session: string): Promise<Standing>;
}

/** A socket that an object has taken. */
interface Held {
  readonly response: Response;
  readonly webSocket: WebSocket;
  readonly holder: Holder;
  readonly session: string;
  readonly connection: AbortController;
}

/** Opens a socket, or says on one why not: browsers can't read a refused upgrade, so it is accepted and closed. */
export async function orRefuse(c: Context<AppEnv>, open: () => Promise<Response>): Promise<Response> {
  if (!wantsSocket(c.req.raw)) throw new ProtocolError("bad_request", "open this address as a WebSocket");
  try {
    return await open();
  } catch (error) {
    if (error instanceof ProtocolError) return refusedUpgrade(error);
    throw error;
  }
}

/** The relays of the client's region, in the order in which they are asked. */
export function relaysNear(c: Context<AppEnv>): Holder[] {
  const region = regionOf(c);
  return Array.from({ length: relaysPerRegion(c.env) }, (_, shard) => relayOf(c.env, region, shard));
}

/**
 * Connects the client to the first object that takes it.
 *
 * @param streams that it has named in its URL
 * @throws {ProtocolError} `overloaded` where all of them are full, `rate_limited` where one has too many of the client's address
 */
export async function connect(
  c: Context<AppEnv>,
  holders: readonly Holder[],
  streams: readonly string[],
): Promise<Response> {
  const { response, holder, session, connection } = await openSocket(c, holders, streams);
  c.executionCtx.waitUntil(guardSocket(() => holder.standing(session), connection));
  return c.env.WEBSOCKET_COMPRESSION === "refused" ? withoutCompression(c.req.raw, response) : response;
}

/**
 * Opens a socket to the first object that takes it.
 *
 * @param streams that the client has named in its URL
 * @param params further ones for the object
 * @throws {ProtocolError} `overloaded` where all of them are full, `rate_limited` where one has too many of the client's address
 */
export async function openSocket(
  c: Context<AppEnv>,
  holders: readonly Holder[],
  streams: readonly string[],
  params: Readonly<Record<string, string>> = {},
): Promise<Held> {
  const session = crypto.randomUUID();
  const target = new URL("https://object/");
  for (const stream of streams) target.searchParams.append("stream", stream);
  const address = addressOf(c.req.raw);
  const all = { ...params, region: regionOf(c), session, ...(address !== undefined && { address }) };
  for (const [name, value] of Object.entries(all)) target.searchParams.set(name, value);
  // A turn of the runtime's loop, in which it may notice that the client has gone already: then this ends here.
  await scheduler.wait(1);
  for (const holder of holders) {
    const connection = new AbortController();
    const response = await holder.fetch(target, { headers: { Upgrade: "websocket" }, signal: connection.signal });
    const { webSocket } = response;
    if (webSocket !== null) return { response, webSocket, holder, session, connection };
    if (response.status === 429) throw new ProtocolError("rate_limited", TOO_MANY);
  }
  throw new ProtocolError("overloaded", "everything that could hold this connection is full: come back later");
}
