/**
 * How often an address may ask, counted by the platform: for each of its locations apart, and only nearly exactly. What it
 * allows stands in `wrangler.toml` and, for clients to know, in `protocol/limits.ts`.
 */

import type { Context } from "hono";
import { except } from "hono/combine";
import { ProtocolError } from "../protocol/errors.ts";
import { LIMITS, RATE_PERIOD } from "../protocol/limits.ts";
import { admit } from "./admission.ts";
import { addressOf } from "./client-address.ts";
import type { AppEnv } from "./open-api.ts";
import { wantsSocket } from "./upgrade.ts";

/** Sockets, and readers of server-sent events. */
const CONNECTIONS = {
  name: "connections",
  quota: LIMITS.connections_per_minute,
  binding: "CONNECTION_LIMITER",
} as const;
const REQUESTS = { name: "requests", quota: LIMITS.requests_per_minute, binding: "REQUEST_LIMITER" } as const;

/** Lets in an address as often as it may. The ingestor opens a socket for each instrument at once, and has a token. */
export const rateLimits = except("/v1/ingest/*", admit(rateRefusal));

/** @returns a `rate_limited`; undefined when the request may come in */
async function rateRefusal(c: Context<AppEnv>): Promise<ProtocolError | undefined> {
  const address = addressOf(c.req.raw);
  if (address === undefined) return undefined;
  const { name, quota, binding } = wantsSocket(c.req.raw) || c.req.path === "/v1/sse" ? CONNECTIONS : REQUESTS;
  // As draft-ietf-httpapi-ratelimit-headers has them. The platform says whether one may, not how often still: so what remains
  // is told only where it is nothing.
  c.header("RateLimit-Policy", `"${name}";q=${quota};w=${RATE_PERIOD}`);
  const { success } = await c.env[binding].limit({ key: address });
  if (success) return undefined;
  c.header("RateLimit", `"${name}";r=0`);
  return new ProtocolError("rate_limited", `at most ${quota} ${name} a minute from one address: come back later`);
}
