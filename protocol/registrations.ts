/**
 * Which instruments are collected: all, but for what the operator's rules say. A rule is for one instrument (`BTC-KRW`),
 * a quote market (`*-KRW`) or a whole exchange (`*-*`); the most specific one decides.
 */

import { z } from "zod";
import { ProtocolError } from "./errors.ts";
import { isCode, withSymbol } from "./instrument.ts";

export const registration = z.object({ exchange: z.string(), symbol: z.string(), collected: z.boolean() });
/** A rule: whether what `symbol` covers on `exchange` is collected. */
export type Registration = z.infer<typeof registration>;

/** What a rule's symbol covers; null stands for all of them. */
export interface Covered {
  readonly base: string | null;
  readonly quote: string | null;
}

/**
 * @example parseCovered("upbit", "*-KRW") // { base: null, quote: "KRW" }
 * @throws {ProtocolError} `bad_request` when it is none of the three forms, with the right spelling where it can be guessed
 */
export function parseCovered(exchange: string, symbol: string): Covered {
  if (symbol === "*-*") return { base: null, quote: null };
  if (!symbol.includes("*")) {
    const { base, quote } = withSymbol(exchange, symbol);
    return { base, quote };
  }
  const quote = symbol.slice(2);
  if (symbol.startsWith("*-") && isCode(quote)) return { base: null, quote };
  const upper = quote.toUpperCase();
  const hint = symbol.startsWith("*-") && isCode(upper) ? `did you mean *-${upper}?` : FORMS;
  throw new ProtocolError("bad_request", `"${symbol.slice(0, 80)}" can't be registered: ${hint}`);
}

/** Whether the rules have this instrument collected. */
export function isCollected(rules: readonly Registration[], exchange: string, base: string, quote: string): boolean {
  const says = (symbol: string) =>
    rules.find((rule) => rule.symbol === symbol && rule.exchange === exchange)?.collected;
  return says(`${base}-${quote}`) ?? says(`*-${quote}`) ?? says("*-*") ?? true;
}

/**
 * The rules after one more: it takes the place of those that it covers, and is left out where it says what holds anyway.
 *
 * @example withRule([], { exchange: "upbit", symbol: "*-KRW", collected: true }) // []
 */
export function withRule(rules: readonly Registration[], rule: Registration): readonly Registration[] {
  const { exchange, symbol, collected } = rule;
  const others = rules.filter((one) => one.exchange !== exchange || !covers(symbol, one.symbol));
  const [base = "", quote = ""] = symbol.split("-");
  return isCollected(others, exchange, base, quote) === collected ? others : [...others, rule];
}

const FORMS = "write BASE-QUOTE for an instrument, *-QUOTE for a quote market, or *-* for the whole exchange";

function covers(symbol: string, other: string): boolean {
  if (symbol === "*-*" || symbol === other) return true;
  return symbol.startsWith("*-") && other.endsWith(symbol.slice(1));
}
