import { expect, test } from "vitest";
import { defaultListings, listingsFor } from "./catalogue.ts";
import { plain } from "./scaled.ts";

test("at least 60 markets in three quote currencies, each with a name and a price", () => {
  const listings = defaultListings();
  expect(listings.length).toBeGreaterThanOrEqual(60);
  expect(new Set(listings.map(({ code }) => code)).size).toBe(listings.length);
  expect(new Set(listings.map(({ code }) => code.split("-")[0]))).toEqual(new Set(["KRW", "BTC", "USDT"]));
  expect(listings.every(({ price, koreanName, englishName }) => price > 0n && koreanName && englishName)).toBe(true);
});

test("prices are converted from KRW and stand on a tick; nothing is quoted in itself", () => {
  const listings = listingsFor({
    USDT: "all",
    ETH: ["SOL"],
    BNB: ["XRP"],
    USDC: ["BTC"],
    FDUSD: ["BTC"],
    BTC: ["BNB"],
  });
  const prices = Object.fromEntries(listings.map(({ code, price }) => [code, plain(price)]));
  expect(prices).toMatchObject({
    "USDT-BTC": "84517.90000000",
    "USDT-PEPE": "0.00000654",
    "ETH-SOL": "0.04709371",
    "BNB-XRP": "0.00248800",
    "BTC-BNB": "0.01021838",
  });
  expect(prices).not.toHaveProperty("USDT-USDT");
  expect(listings[0]?.code).toBe("USDT-BTC");
});

test("a coin that there is not is named", () => {
  expect(() => listingsFor({ KRW: ["BTC", "NOPE"] })).toThrow("the catalogue has no coin NOPE");
});
