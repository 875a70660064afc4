/** A router that validates with zod, answers what does not fit with a problem document, and describes itself. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { CLIENT_TOKEN } from "../protocol/client-token.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { problem } from "../protocol/rest.ts";
import type { Env } from "./env.ts";

export type AppEnv = { Bindings: Env };

/** An empty router; every route group starts from one. */
export function openApi(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw new ProtocolError("bad_request", explain(result.error));
    },
  });
}

/** The first thing that is wrong, with the name of the parameter it is wrong with. */
function explain(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "the request does not fit";
  if (issue.code === "unrecognized_keys") return noSuchParameter(issue.keys);
  return `"${issue.path.join(".")}": ${issue.message}`;
}

/** For routes whose query no schema checks. */
export const takesNoQuery: MiddlewareHandler<AppEnv> = async (c, next) => {
  const keys = Object.keys(c.req.query());
  if (keys.length > 0) throw new ProtocolError("bad_request", noSuchParameter(keys));
  await next();
};

function noSuchParameter(keys: readonly string[]): string {
  return `there is no query parameter ${keys.map((key) => `"${key}"`).join(", ")} here: see /docs`;
}

/** The JSON body of a successful answer. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** What may go wrong with any route. */
export const problems = {
  default: { description: "What went wrong (RFC 9457)", content: { "application/problem+json": { schema: problem } } },
};

/** What a client may ask with everywhere, and all that it may unless a route takes more: what we don't know is refused. */
export const clientQuery = z.strictObject({
  [CLIENT_TOKEN.parameter]: z.string().optional().openapi({ description: "A client token, if no header can be sent" }),
});

/** `?exchange&base&quote`, each a value or several with commas between. */
export const filterQuery = clientQuery.extend({
  exchange: z.string().optional().openapi({ example: "upbit" }),
  base: z.string().optional().openapi({ example: "BTC,ETH" }),
  quote: z.string().optional().openapi({ example: "KRW" }),
});

export const symbolParams = z.object({
  exchange: z.string().openapi({ example: "upbit" }),
  symbol: z.string().openapi({ example: "BTC-KRW" }),
});
