import { listingsFor } from "../catalogue.ts";
import type { Dialect } from "../dialect.ts";
import { amount } from "./frames.ts";
import { TradeIds } from "./ids.ts";
import { BinanceServer } from "./server.ts";
import { BINANCE_SETTINGS, type BinanceSettings } from "./settings.ts";

/** What is quoted in each asset. */
const QUOTES = {
  USDT: "all",
  BTC: ["ETH", "XRP", "SOL", "ADA", "LINK", "AVAX", "BCH", "DOT"],
  ETH: ["SOL", "XRP", "LINK", "AAVE"],
  BNB: ["SOL", "XRP", "ADA"],
  FDUSD: ["BTC", "ETH", "SOL", "XRP", "DOGE"],
  USDC: ["BTC", "ETH", "SOL", "XRP", "DOGE", "SUI"],
} as const;
/** In USDT too, but not among the coins that every exchange has. */
const ALSO_IN_USDT = ["BNB", "USDC", "FDUSD"];

/** Binance's spot market. */
export const binance: Dialect<BinanceSettings> = {
  name: "binance",
  webSocketPath: "/stream",
  listings: () => [...listingsFor(QUOTES), ...listingsFor({ USDT: ALSO_IN_USDT })],
  window: "24h",
  settings: BINANCE_SETTINGS,
  spell: ({ ordinal, price, volume }, opened) => ({
    id: `${new TradeIds(opened).trade(ordinal)}`,
    price: amount(price),
    volume: amount(volume),
  }),
  open: (exchange, settings) => new BinanceServer(exchange, settings),
};
