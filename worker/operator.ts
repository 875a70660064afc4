/** What the operator's routes have in common: the token, and how OpenAPI says so. */

import { admit } from "./admission.ts";
import { refusal } from "./token.ts";

/** Lets in who shows `Authorization: Bearer ADMIN_TOKEN`. */
export const operatorOnly = admit((c) => refusal(c.req.raw, c.env, "ADMIN_TOKEN"));

/** Of a route's description. */
export const operatorSecurity = [{ operator: [] }];

/** The scheme that {@link operatorSecurity} names. */
export const operatorScheme = {
  type: "http",
  scheme: "bearer",
  description: "The deployment's ADMIN_TOKEN",
} as const;
