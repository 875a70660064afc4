import { defaultListings } from "../catalogue.ts";
import type { Dialect } from "../dialect.ts";
import { priceText, volumeText } from "./frames.ts";
import { UpbitServer } from "./server.ts";
import { UPBIT_SETTINGS, type UpbitSettings } from "./settings.ts";

/** Upbit's public API. */
export const upbit: Dialect<UpbitSettings> = {
  name: "upbit",
  webSocketPath: "/websocket/v1",
  listings: defaultListings,
  window: "utc-day",
  settings: UPBIT_SETTINGS,
  spell: ({ id, price, volume }) => ({ id: `${id}`, price: priceText(price), volume: volumeText(volume) }),
  open: (exchange, settings) => new UpbitServer(exchange, settings),
};
