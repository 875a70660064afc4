import type { Exchange } from "../exchange.ts";
import { feed, fetchMarkets, readMarkets } from "./feed.ts";
import { history } from "./history.ts";
import { parseFrame } from "./parse.ts";

/** Bithumb, Korea. It is collected through its present API; frames of the older one are read from recordings only. */
export const bithumb: Exchange = {
  name: "bithumb",
  // The second generation of the API, in spite of the path.
  wsUrl: "wss://ws-api.bithumb.com/websocket/v1",
  restUrl: "https://api.bithumb.com",
  feed,
  history,
  proof: "ticker-time",
  parser: () => parseFrame,
  readMarkets,
  markets: fetchMarkets,
};
