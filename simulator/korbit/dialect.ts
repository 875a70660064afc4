import { listingsFor } from "../catalogue.ts";
import type { Dialect } from "../dialect.ts";
import { tradeId } from "./ids.ts";
import { decimal } from "./numbers.ts";
import { KorbitServer } from "./server.ts";
import { KORBIT_SETTINGS, type KorbitSettings } from "./settings.ts";

/** Korbit, or Digital X as it is called since 2026: spot markets in KRW only. */
export const korbit: Dialect<KorbitSettings> = {
  name: "korbit",
  webSocketPath: "/v2/public",
  listings: () => listingsFor({ KRW: "all" }),
  window: "24h",
  settings: KORBIT_SETTINGS,
  spell: (trade) => ({ id: `${tradeId(trade)}`, price: decimal(trade.price), volume: decimal(trade.volume) }),
  open: (exchange, settings) => new KorbitServer(exchange, settings),
};
