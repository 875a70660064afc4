/** Errors over REST: RFC 9457 problem documents. */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ERRORS, type ProtocolError } from "../protocol/errors.ts";

/** @example problemResponse(c, new ProtocolError("bad_request", '"limit" must be at most 1000')) */
export function problemResponse(c: Context, error: ProtocolError): Response {
  const { title, retryable } = ERRORS[error.code];
  const status = (ERRORS[error.code].status ?? 500) as ContentfulStatusCode;
  const body = {
    type: `urn:tickcast:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    retryable,
  };
  const headers: Record<string, string> = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  if (error.code === "unauthorized") headers["WWW-Authenticate"] = "Bearer";
  if (retryable) headers["Retry-After"] = "1";
  return c.body(JSON.stringify(body), status, headers);
}
