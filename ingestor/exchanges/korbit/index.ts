import type { Exchange } from "../exchange.ts";
import { feed, fetchMarkets, readMarkets } from "./feed.ts";
import { history } from "./history.ts";
import { parseFrame } from "./parse.ts";

/** Korbit, Korea; "Digital X" since September 2026. Its old addresses (`ws-api.korbit.co.kr`, `api.korbit.co.kr`) answer alike. */
export const korbit: Exchange = {
  name: "korbit",
  wsUrl: "wss://ws-api.digitalx.miraeasset.com/v2/public",
  restUrl: "https://api.digitalx.miraeasset.com",
  feed,
  history,
  proof: "ticker-time",
  parser: () => parseFrame,
  readMarkets,
  markets: fetchMarkets,
};
