/** What objects are called. Prices that are not live have objects of their own, so that they never meet live ones in one. */

import type { Source } from "../protocol/events.ts";

/** @example objectName("simulated", "upbit:BTC-KRW") // "simulated/upbit:BTC-KRW" */
export function objectName(prices: Source | undefined, name: string): string {
  return prices === undefined || prices === "live" ? name : `${prices}/${name}`;
}

/** The instrument whose feed has this name. */
export function instrumentOf(objectName: string): string {
  return objectName.slice(objectName.lastIndexOf("/") + 1);
}
