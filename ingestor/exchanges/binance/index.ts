import type { Exchange } from "../exchange.ts";
import { feed, fetchMarkets, readMarkets } from "./feed.ts";
import { history } from "./history.ts";
import { parserFor } from "./parse.ts";

/** Binance, spot. `wss://data-stream.binance.vision/stream` serves the same where binance.com is out of reach. */
export const binance: Exchange = {
  name: "binance",
  wsUrl: "wss://stream.binance.com:9443/stream",
  // Not the mirror for market data (data-api.binance.vision): it lacks historicalTrades, the only way to trades by their id.
  restUrl: "https://api.binance.com",
  feed,
  history,
  proof: "trade-ids",
  parser: parserFor,
  readMarkets,
  markets: fetchMarkets,
};
