/** The two tokens that open what is not for everyone: the ingestor's and the operator's. */

import { timingSafeEqual } from "hono/utils/buffer";
import { ProtocolError } from "../protocol/errors.ts";
import type { Env } from "./env.ts";

/** The secret of the deployment that a request has to show, as `Authorization: Bearer …`. */
export type TokenName = "INGEST_TOKEN" | "ADMIN_TOKEN";

/** @returns why the request may not come in, an `unauthorized`; undefined when it may */
export async function refusal(request: Request, env: Env, name: TokenName): Promise<ProtocolError | undefined> {
  const wanted = env[name];
  if (!wanted) {
    const how = `this deployment has no ${name}: set it with \`wrangler secret put ${name}\``;
    return new ProtocolError("unauthorized", how);
  }
  const token = /^Bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  const what = `send "Authorization: Bearer" with the deployment's ${name}`;
  if (token === undefined) return new ProtocolError("unauthorized", what);
  if (await timingSafeEqual(token, wanted)) return undefined;
  return new ProtocolError("unauthorized", `that is not the right token: ${what}`);
}
