/** Where clients are told to go. */

import { originsOf } from "./origins.ts";

/** The bases to which paths are added: `/upbit/BTC-KRW` to `stream`. */
export interface Endpoints {
  readonly stream: string;
  readonly sse: string;
  readonly rest: string;
}

/**
 * The `Host` of a request is whatever its sender wrote: it is taken only where the deployment names it itself. Else its
 * first name is told, and where it has none, paths, which a client resolves against the address that it asked.
 *
 * @param named the origins of the deployment, with commas between
 * @throws {TypeError} when one of them is no origin
 */
export function endpointsOf(named: string | undefined, requestUrl: string): Endpoints {
  const origins = originsOf(named);
  const asked = URL.parse(requestUrl)?.origin;
  const origin = origins.find((one) => one === asked) ?? origins[0] ?? "";
  return { stream: `${origin.replace(/^http/, "ws")}/v1/stream`, sse: `${origin}/v1/sse`, rest: `${origin}/v1` };
}
