import type { Exchange } from "../exchange.ts";
import { feed, fetchMarkets, readMarkets } from "./feed.ts";
import { history } from "./history.ts";
import { parseFrame } from "./parse.ts";

/** Upbit, Korea. Its symbols say which part is the quote, so that its parser needs no market list. */
export const upbit: Exchange = {
  name: "upbit",
  wsUrl: "wss://api.upbit.com/websocket/v1",
  restUrl: "https://api.upbit.com",
  feed,
  history,
  proof: "ticker-time",
  parser: () => parseFrame,
  readMarkets,
  markets: fetchMarkets,
};
