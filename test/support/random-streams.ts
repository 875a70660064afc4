/** What a client may want: named streams and wildcards that overlap, of both channels, at mixed rates. */

import { RATES } from "../../protocol/stream.ts";

/**
 * @param instruments of which names and wildcards are made
 * @returns up to four, canonical, the first of trades
 */
export function randomStreams(instruments: readonly string[], random: () => number): string[] {
  const one = (of: readonly string[]) => of[Math.floor(random() * of.length)] ?? "";
  const names = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => {
    const instrument = one(instruments);
    const pattern = random() < 0.5 ? instrument : one(wildcardsOf(instrument));
    return `${pattern}@${i === 0 ? "trade" : one(["trade", "ticker"])}@${one(RATES)}`;
  });
  return [...new Set(names)];
}

function wildcardsOf(instrument: string): string[] {
  const [exchange = "", symbol = ""] = instrument.split(":");
  const [base = "", quote = ""] = symbol.split("-");
  return [`${exchange}:*-*`, `${exchange}:*-${quote}`, `${exchange}:${base}-*`, `*:${base}-*`, `*:*-${quote}`, "*:*-*"];
}
