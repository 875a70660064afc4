import type { Context } from "hono";
import type { AppEnv } from "./open-api.ts";

/** By continent, as `request.cf` names them: what the platform calls the place of an object. */
const REGIONS: Readonly<Record<string, DurableObjectLocationHint>> = {
  AS: "apac",
  EU: "weur",
  NA: "enam",
  SA: "sam",
  OC: "oc",
  AF: "afr",
};
export const LOCAL = "local";

/** The region whose edge took the request, or the one that the deployment names; `local` on a developer's machine. */
export function regionOf(c: Context<AppEnv>): string {
  const continent = (c.req.raw.cf as IncomingRequestCfProperties | undefined)?.continent;
  return c.env.REGION ?? (continent === undefined ? undefined : REGIONS[continent]) ?? LOCAL;
}

/** Where an object of a region should live: only its first `get()` decides it. */
export function inRegion(region: string): DurableObjectNamespaceGetDurableObjectOptions {
  const locationHint = Object.values(REGIONS).find((one) => one === region);
  return locationHint === undefined ? {} : { locationHint };
}
