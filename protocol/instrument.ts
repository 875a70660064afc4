/** Names of what is traded: `exchange:BASE-QUOTE`, base first and upper case, whatever the exchange itself writes. */

import { ProtocolError } from "./errors.ts";

/** `exchange:BASE-QUOTE`, e.g. `upbit:BTC-KRW`. */
export type InstrumentName = string;

export interface Instrument {
  /** `upbit:BTC-KRW` */
  readonly name: InstrumentName;
  /** Lower case: `upbit`. */
  readonly exchange: string;
  /** `BTC-KRW` */
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
}

/** Quote currencies by which `BTCKRW` is taken apart for "did you mean"; a longer one stands before its own ending. */
const QUOTES = ["KRW", "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "TRY"];
/** Money that is only paid with. Stablecoins are not among them: TUSD-BTC, USDT-BRL and USDC-BNB are real markets. */
const ONLY_QUOTES = new Set(["KRW", "USD"]);
const EXCHANGE = /^[a-z][a-z0-9]{1,31}$/;
// Letters and digits of any script: some exchanges list Chinese names.
const CODE = /^[\p{L}\p{N}]{1,32}$/u;

/** Builds an instrument from parts that are already in canonical form. */
export function instrument(exchange: string, base: string, quote: string): Instrument {
  const symbol = `${base}-${quote}`;
  return { name: `${exchange}:${symbol}`, exchange, symbol, base, quote };
}

/**
 * @throws {ProtocolError} `bad_request` when the name is malformed, with the right spelling where it can be guessed
 */
export function parseInstrument(name: string): Instrument {
  const colon = name.indexOf(":");
  if (colon < 0) {
    throw new ProtocolError(
      "bad_request",
      `"${clip(name)}" is not an instrument: write exchange:BASE-QUOTE, e.g. upbit:BTC-KRW`,
    );
  }
  const exchange = parseExchange(name.slice(0, colon));
  return withSymbol(exchange, name.slice(colon + 1));
}

/** @throws {ProtocolError} `bad_request` when it is not a lower-case name */
export function parseExchange(exchange: string): string {
  if (EXCHANGE.test(exchange)) return exchange;
  const lower = exchange.toLowerCase();
  const hint = EXCHANGE.test(lower) ? `: did you mean ${lower}?` : ": write it in lower-case letters, e.g. upbit";
  throw new ProtocolError("bad_request", `"${clip(exchange)}" is not an exchange name${hint}`);
}

/** @throws {ProtocolError} `bad_request` when `symbol` is not `BASE-QUOTE` in upper case */
export function withSymbol(exchange: string, symbol: string): Instrument {
  const parts = symbol.split("-");
  const [base = "", quote = ""] = parts;
  if (parts.length === 2 && isCode(base) && isCode(quote) && !looksReversed(base, quote)) {
    return instrument(exchange, base, quote);
  }
  const guess = guessSymbol(symbol);
  const hint = guess === undefined ? "write BASE-QUOTE in upper case, e.g. BTC-KRW" : `did you mean ${guess}?`;
  throw new ProtocolError("bad_request", `"${clip(symbol)}" is not a symbol: ${hint}`);
}

/** Whether `code` can stand as a base or a quote: upper case, letters and digits of any script. */
export function isCode(code: string): boolean {
  return CODE.test(code) && code === code.toUpperCase();
}

/** Whether `code` is money that is only paid with: a wildcard over what it buys is written the wrong way round. */
export function isOnlyQuote(code: string): boolean {
  return ONLY_QUOTES.has(code);
}

// `KRW-BTC` is well formed, but nobody quotes won in bitcoin.
function looksReversed(base: string, quote: string): boolean {
  return isOnlyQuote(base) && !QUOTES.includes(quote);
}

function guessSymbol(symbol: string): string | undefined {
  const [first = "", second = "", ...more] = symbol.toUpperCase().split(/[-_/]/);
  if (more.length > 0) return undefined;
  if (second === "") {
    const quote = QUOTES.find((code) => first.endsWith(code) && first.length > code.length);
    return quote === undefined || !CODE.test(first) ? undefined : `${first.slice(0, -quote.length)}-${quote}`;
  }
  if (!CODE.test(first) || !CODE.test(second)) return undefined;
  return looksReversed(first, second) ? `${second}-${first}` : `${first}-${second}`;
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
