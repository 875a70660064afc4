/** The origins that settings name: those of the deployment itself, and those whose pages may ask it. */

import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { ProtocolError } from "../protocol/errors.ts";
import type { Env } from "./env.ts";
import type { AppEnv } from "./open-api.ts";

/**
 * @param list with commas between; absent or empty is none
 * @throws {TypeError} when one of them is no origin: whoever is let in by mistake would be noticed by nobody
 */
export function originsOf(list: string | undefined): string[] {
  const names = (list ?? "").split(",").map((name) => name.trim());
  return names.filter((name) => name !== "").map(originOf);
}

/** A sandboxed page sends the text "null" as its origin: what parses to that would let all of those in. */
function originOf(name: string): string {
  const origin = new URL(name).origin;
  if (origin !== "null" && !name.includes("*")) return origin;
  throw new TypeError(`"${name}" is no origin: write one as https://app.example.com`);
}

/** Undefined where pages of any origin may ask. The deployment's own pages always may. */
function allowedOrigins({ ALLOWED_ORIGINS, PUBLIC_URL }: Env): string[] | undefined {
  const listed = originsOf(ALLOWED_ORIGINS);
  return listed.length === 0 ? undefined : [...listed, ...originsOf(PUBLIC_URL)];
}

/**
 * Browsers alone say `Origin`, and never a wrong one; a program may write what it likes, so one that says none is let in.
 *
 * @returns why the request may not come in, a `forbidden`; undefined when it may
 */
export function originRefusal(c: Context<AppEnv>): ProtocolError | undefined {
  const origin = c.req.header("Origin");
  const allowed = allowedOrigins(c.env);
  if (origin === undefined || allowed === undefined || allowed.includes(origin)) return undefined;
  return new ProtocolError(
    "forbidden",
    `pages of ${origin} may not ask here: the deployment's ALLOWED_ORIGINS say which`,
  );
}

const COMMON = {
  allowMethods: ["GET", "HEAD", "OPTIONS"],
  exposeHeaders: ["Retry-After", "RateLimit", "RateLimit-Policy"],
  maxAge: 86_400,
};
const anyOrigin = cors({ ...COMMON, origin: "*" });
// A cache must not answer one page with what names another: this one says `Vary: Origin`, too.
const listedOrigins = cors({
  ...COMMON,
  origin: (origin, c: Context<AppEnv>) => (allowedOrigins(c.env)?.includes(origin) ? origin : null),
});

/** Tells browsers whose pages may read the answer: everyone's, or those of the list that the deployment has. */
export const crossOrigin: MiddlewareHandler<AppEnv> = (c, next) =>
  (allowedOrigins(c.env) === undefined ? anyOrigin : listedOrigins)(c, next);
