/** Where the objects of an exchange should live: only an object's first `get()` decides it. */

const REGIONS: ReadonlyMap<string, DurableObjectLocationHint> = new Map([
  ["upbit", "apac"],
  ["bithumb", "apac"],
  ["korbit", "apac"],
  ["binance", "apac"],
]);

type Where = DurableObjectNamespaceGetDurableObjectOptions;

/**
 * What to give to `getByName` so that a new object starts near the exchange.
 *
 * @param name an exchange, or one of its instruments: `upbit:BTC-KRW`
 */
export function nearExchange(name: string): Where {
  const [exchange = ""] = name.split(":", 1);
  const locationHint = REGIONS.get(exchange);
  return locationHint === undefined ? {} : { locationHint };
}

/** For the object of all exchanges: every ingestor tells it something every few seconds, and they stand near these. */
export const NEAR_INGESTORS: Where = { locationHint: "apac" };
