/** Errors over REST: RFC 9457 problem documents. */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ERRORS, ProtocolError } from "../protocol/errors.ts";
import { RATE_PERIOD } from "../protocol/limits.ts";

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
  if (retryable) headers["Retry-After"] = String(error.code === "rate_limited" ? RATE_PERIOD : 1);
  return c.body(JSON.stringify(body), status, headers);
}

/** A path that there is, asked with a method that it does not have. @param allowed those that it has */
export function methodProblem(c: Context, allowed: readonly string[]): Response {
  const names = allowed.toSorted().join(", ");
  const detail = `${c.req.path} does not take ${c.req.method}, but ${names}: see /docs`;
  const response = problemResponse(c, new ProtocolError("method_not_allowed", detail));
  response.headers.set("Allow", names);
  return response;
}
