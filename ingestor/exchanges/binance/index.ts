import type { Exchange } from "../exchange.ts";
import { feed, fetchMarkets, readMarkets } from "./feed.ts";
import { parserFor } from "./parse.ts";

/** Binance, spot. `wss://data-stream.binance.vision/stream` serves the same where binance.com is out of reach. */
export const binance: Exchange = {
  name: "binance",
  wsUrl: "wss://stream.binance.com:9443/stream",
  // The mirror for market data alone: it needs no account and answers everywhere.
  restUrl: "https://data-api.binance.vision",
  feed,
  parser: parserFor,
  readMarkets,
  markets: fetchMarkets,
};
