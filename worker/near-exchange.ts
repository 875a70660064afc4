/** Where the objects of an exchange should live: only an object's first `get()` decides it. */

const REGIONS: ReadonlyMap<string, DurableObjectLocationHint> = new Map([
  ["upbit", "apac"],
  ["bithumb", "apac"],
  ["korbit", "apac"],
  ["binance", "apac"],
]);

/** What to give to `getByName` so that a new object starts near the exchange. */
export function nearExchange(exchange: string): DurableObjectNamespaceGetDurableObjectOptions {
  const locationHint = REGIONS.get(exchange);
  return locationHint === undefined ? {} : { locationHint };
}
