/** Korbit's spelling of a market code: KRW-BTC is `btc_krw`. */
export function symbolOf(code: string): string {
  const [quote, base] = code.toLowerCase().split("-");
  return `${base}_${quote}`;
}

/** The code of a symbol; undefined for what is no symbol, as `BTC_KRW`: they are lower case. */
export function codeOf(symbol: string): string | undefined {
  const match = /^([a-z0-9]+)_([a-z0-9]+)$/.exec(symbol);
  return match ? `${match[2]}-${match[1]}`.toUpperCase() : undefined;
}
