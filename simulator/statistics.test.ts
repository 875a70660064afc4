import { expect, test } from "vitest";
import { MarketEngine } from "./engine.ts";
import { scaled } from "./scaled.ts";
import type { Ticker, Window } from "./statistics.ts";

const HOUR = 3_600_000;
const listings = [{ code: "KRW-BTC", koreanName: "비트코인", englishName: "Bitcoin", price: scaled("122720000") }];

/** A market whose clock the test sets; `trade` answers the trade and the figures after it. */
function market(window: Window, start: number) {
  let now = start;
  const engine = new MarketEngine({ listings, window, now: () => now });
  const ticker = (): Ticker => {
    const figures = engine.market("KRW-BTC")?.statistics.ticker;
    if (!figures) throw new Error("KRW-BTC is not listed");
    return figures;
  };
  const trade = (at: number) => {
    now = at;
    const made = engine.execute("KRW-BTC");
    if (!made) throw new Error("KRW-BTC is closed");
    return made;
  };
  return { ticker, trade };
}

test.each([
  ["utc-day", Date.UTC(2026, 0, 5, 23, 30), 1],
  ["kst-day", Date.UTC(2026, 0, 5, 14, 30), 10],
] as const)("a %s begins at its midnight", (window, start, hoursToTheOther) => {
  const { ticker, trade } = market(window, start);
  const before = trade(start + 60_000);
  const midnight = start + HOUR / 2;
  const first = trade(midnight);
  const { price, volume, side } = first;
  const sold = side === "ASK" ? volume : 0n;
  expect(ticker()).toMatchObject({
    openingPrice: price,
    highPrice: price,
    lowPrice: price,
    prevClosingPrice: before.price,
    turnover: price * volume,
    askVolume: sold,
    bidVolume: volume - sold,
  });
  expect(first.prevClosingPrice).toBe(before.price);
  trade(midnight + hoursToTheOther * HOUR);
  expect(ticker().prevClosingPrice).toBe(before.price);
});

test("the last 24 hours lose their oldest hour as time goes on", () => {
  const start = Date.UTC(2026, 0, 5, 12);
  const { ticker, trade } = market("24h", start);
  const first = trade(start + HOUR);
  const second = trade(start + 2 * HOUR);
  const last = trade(start + 25 * HOUR - 500);
  // The invented past and the first trade of the listing are over; what is left is these three.
  const all = [first, second, last].map(({ price }) => price).sort((a, b) => Number(a - b));
  expect(ticker()).toMatchObject({
    openingPrice: first.price,
    highPrice: all[2],
    lowPrice: all[0],
    trades24h: 3,
    volume24h: first.volume + second.volume + last.volume,
    lastOrdinal: 4,
  });
  const much = trade(start + 27 * HOUR - 500);
  expect(ticker()).toMatchObject({ openingPrice: last.price, prevClosingPrice: second.price, trades24h: 2 });
  expect(ticker().turnover).toBe(last.price * last.volume + much.price * much.volume);
});

test("the sums of the last 24 hours let go of what is older evenly", () => {
  const start = Date.UTC(2026, 0, 5, 12);
  const { ticker, trade } = market("24h", start);
  const volumes = [15, 30, 45].map((minutes) => {
    const { volume } = trade(start + 25 * HOUR + minutes * 60_000);
    return ticker().volume24h - volume;
  });
  // Only the hour before them has more than these trades, and a quarter of it leaves between two of them.
  const [first = 0n, second = 0n, third = 0n] = volumes;
  const one = market("24h", start);
  expect(first > second && second > third && third > 0n).toBe(true);
  expect(one.ticker().volume24h > first).toBe(true);
});

test("the best prices are those of the last trade", () => {
  const { ticker, trade } = market("24h", Date.UTC(2026, 0, 5, 12));
  const { bestAskPrice, bestAskSize, bestBidPrice, bestBidSize } = trade(Date.UTC(2026, 0, 5, 13));
  expect(ticker()).toMatchObject({ bestAskPrice, bestAskSize, bestBidPrice, bestBidSize });
});
