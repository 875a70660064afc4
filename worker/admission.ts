import type { Context, MiddlewareHandler } from "hono";
import { refusedUpgrade } from "../durable-objects/sockets.ts";
import type { ProtocolError } from "../protocol/errors.ts";
import type { AppEnv } from "./open-api.ts";
import { wantsSocket } from "./upgrade.ts";

type Refusal = ProtocolError | undefined;

/**
 * Lets in requests that a check has nothing against. The others are told why where they can read it: one that wants a socket
 * gets one that is closed at once, since browsers can't read a refused upgrade, any other a problem document.
 */
export function admit(refusal: (c: Context<AppEnv>) => Refusal | Promise<Refusal>): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const error = await refusal(c);
    if (error === undefined) return next();
    if (wantsSocket(c.req.raw)) return refusedUpgrade(error);
    throw error;
  };
}
