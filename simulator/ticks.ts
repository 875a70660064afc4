import { scaled } from "./scaled.ts";

/** The currencies that simulated exchanges quote prices in. */
export type Quote = "KRW" | "USDT" | "USDC" | "FDUSD" | "BTC" | "ETH" | "BNB";

/** The price step of a market, scaled: coarser for higher prices, always 10^-8 in BTC and ETH. */
export function tickSize(quote: string, price: bigint): bigint {
  if (quote === "BTC" || quote === "ETH") return 1n;
  const steps = quote === "KRW" ? KRW_STEPS : DOLLAR_STEPS;
  return steps.find(([from]) => price >= from)?.[1] ?? 1n;
}

const steps = (table: readonly (readonly [string, string])[]) =>
  table.map(([from, step]) => [scaled(from), scaled(step)] as const);

/** Below 1 of any currency. */
const FINE_STEPS = steps([
  ["0.1", "0.0001"],
  ["0.01", "0.00001"],
  ["0.001", "0.000001"],
  ["0.0001", "0.0000001"],
]);

const KRW_STEPS = [
  ...steps([
    ["1000000", "1000"],
    ["500000", "500"],
    ["100000", "100"],
    ["50000", "50"],
    ["10000", "10"],
    ["1000", "1"],
    ["100", "0.1"],
    ["10", "0.01"],
    ["1", "0.001"],
  ]),
  ...FINE_STEPS,
];

/** For USDT, USDC, FDUSD and BNB. */
const DOLLAR_STEPS = [
  ...steps([
    ["10", "0.01"],
    ["1", "0.001"],
  ]),
  ...FINE_STEPS,
];
