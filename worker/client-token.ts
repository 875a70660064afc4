/** Tokens of clients, PROTOCOL.md §7. Whoever has the deployment's CLIENT_TOKEN_SECRET makes them; without one nobody needs any. */

import type { Context } from "hono";
import { except } from "hono/combine";
import { errors, jwtVerify } from "jose";
import { CLIENT_TOKEN } from "../protocol/client-token.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { admit } from "./admission.ts";
import type { AppEnv } from "./open-api.ts";

/** What everyone may read, and what has tokens of its own. */
const WITHOUT = ["/v1/info", "/v1/health", "/v1/ingest/*", "/v1/registrations/*", "/v1/admin/*"];
const HOW = `send a client token as "Authorization: Bearer", or as ?${CLIENT_TOKEN.parameter}= where no header can be sent`;

/** Lets in who has a token, to all but what is open: a route that comes to be is not forgotten. */
export const clientsOnly = except(WITHOUT, admit(tokenRefusal));

/** How OpenAPI says it. */
export const clientScheme = {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
  description: `A client token, where the deployment asks for one; also taken as the query parameter "${CLIENT_TOKEN.parameter}"`,
} as const;

/** @returns why the request may not come in, an `unauthorized`; undefined when it may */
async function tokenRefusal(c: Context<AppEnv>): Promise<ProtocolError | undefined> {
  const secret = c.env.CLIENT_TOKEN_SECRET;
  if (!secret) return undefined;
  const bearer = /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  const token = bearer ?? c.req.query(CLIENT_TOKEN.parameter);
  if (!token) return new ProtocolError("unauthorized", HOW);
  const problem = await problemOf(token, secret);
  return problem === undefined ? undefined : new ProtocolError("unauthorized", problem);
}

async function problemOf(token: string, secret: string): Promise<string | undefined> {
  try {
    await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ["HS256"],
      audience: CLIENT_TOKEN.audience,
      requiredClaims: ["exp"],
    });
    return undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return explain(error);
    throw error;
  }
}

/** The signature is checked before what it signs: who can't sign is told no more. */
function explain(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "this token has expired: get a new one";
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "this token's signature is not that of the deployment's CLIENT_TOKEN_SECRET";
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return "this token is not signed by HS256";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "aud") return `this token is not for here: its "aud" must be "${CLIENT_TOKEN.audience}"`;
    if (error.claim === "exp") return 'this token never expires: its "exp" must say when, in seconds since 1970';
    return `this token's "${error.claim}" does not hold: ${error.message}`;
  }
  return `that is not a JWT: ${HOW}`;
}
