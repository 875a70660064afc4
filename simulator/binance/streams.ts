/** The streams we have something to send for; any other that Binance documents is accepted and stays silent. */
export type EventType = "trade" | "aggTrade" | "ticker" | "miniTicker";

/** The stream of all changed mini tickers in one array. */
export const ALL_MINI_TICKERS = "!miniTicker@arr";

/** Where `serverShutdown` comes from; nobody subscribes to it. */
export const SHUTDOWN = "!serverShutdown";

/** A market as Binance spells it: `USDT-BTC` is BTCUSDT. */
export function symbolOf(code: string): string {
  const { base, quote } = assetsOf(code);
  return base + quote;
}

/** The two assets of a market code, which is quote first. */
export function assetsOf(code: string): { readonly base: string; readonly quote: string } {
  const dash = code.indexOf("-");
  return { base: code.slice(dash + 1), quote: code.slice(0, dash) };
}

/** The name of a market's stream, such as `btcusdt@trade`: the symbol is lower case, and nothing else is heard. */
export function streamOf(code: string, kind: EventType): string {
  return `${symbolOf(code).toLowerCase()}@${kind}`;
}

/** Whether a text can be the name of a stream; whether there is such a stream Binance does not say either. */
export function isStreamName(text: string): boolean {
  return /^(![^\s/]+|[^\s/@!]+@[^\s/]+)$/.test(text);
}

/** The streams that the address of a connection names: `/stream?streams=a/b`. */
export function streamsIn(url: URL): string[] {
  return (url.searchParams.get("streams") ?? "").split("/").filter(isStreamName);
}
