import { listingsFor } from "../catalogue.ts";
import type { Dialect } from "../dialect.ts";
import { number, socketId } from "./numbers.ts";
import { BithumbServer } from "./server.ts";
import { BITHUMB_SETTINGS, type BithumbSettings } from "./settings.ts";

/** Bithumb's public API of the present generation. */
export const bithumb: Dialect<BithumbSettings> = {
  name: "bithumb",
  webSocketPath: "/websocket/v1",
  listings: () => listingsFor({ KRW: "all", BTC: ["ETH", "XRP", "SOL", "ADA", "LINK"] }),
  window: "kst-day",
  settings: BITHUMB_SETTINGS,
  spell: ({ id, price, volume }) => ({ id: `${socketId(id)}`, price: number(price), volume: number(volume) }),
  open: (exchange, settings) => new BithumbServer(exchange, settings),
};
