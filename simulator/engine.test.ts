import { expect, test } from "vitest";
import { defaultListings } from "./catalogue.ts";
import { MarketEngine } from "./engine.ts";
import { scaled } from "./scaled.ts";
import type { Trade } from "./trade.ts";

function run(engine: MarketEngine, count: number): Trade[] {
  const after = engine.log.head;
  for (let made = 0; made < count; made += 1) engine.execute();
  return engine.log.after(after, count);
}

test("the same seed and clock trade the same", () => {
  const [one, two] = [7, 7].map((seed) => run(new MarketEngine({ seed, now: () => 1_788_335_180_377 }), 500));
  expect(one).toEqual(two);
});

test("ids have 17 digits, begin with the trade's ms and rise in each market although the clock stands or goes back", () => {
  let now = 1_788_335_180_377;
  const engine = new MarketEngine({ now: () => now });
  const trades = run(engine, 2_000);
  now -= 60_000;
  trades.push(...run(engine, 2_000));
  const last = new Map<string, bigint>();
  for (const { market, id, timestamp } of trades) {
    expect(`${id}`).toHaveLength(17);
    expect(id / 10_000n).toBe(BigInt(timestamp));
    expect(id > (last.get(market) ?? 0n)).toBe(true);
    last.set(market, id);
  }
});

test("a restart within the same ms repeats no id", () => {
  const listings = defaultListings().slice(0, 1);
  let now = 1_788_335_180_377;
  const first = new MarketEngine({ listings, now: () => now });
  now += 1;
  const before = new Set([first.log.last("KRW-BTC"), ...run(first, 100)].map((trade) => trade?.id));
  const again = new MarketEngine({ listings, now: () => now });
  expect([again.log.last("KRW-BTC"), ...run(again, 100)].filter((trade) => before.has(trade?.id))).toEqual([]);
});

test("some trades equal the one before in all but the id", () => {
  const trades = run(new MarketEngine({ now: () => 1_788_335_180_377 }), 3_000);
  const same = (a: Trade | undefined, b: Trade) =>
    a?.market === b.market &&
    a.price === b.price &&
    a.volume === b.volume &&
    a.side === b.side &&
    a.timestamp === b.timestamp;
  const identical = trades.filter((trade, at) => same(trades[at - 1], trade));
  expect(identical.length).toBeGreaterThan(10);
  expect(identical.length).toBeLessThan(200);
});

test("busy markets trade more; uniform spreads evenly", () => {
  const share = (spread: "zipf" | "uniform", code: string) =>
    run(new MarketEngine({ spread }), 20_000).filter(({ market }) => market === code).length / 20_000;
  expect(share("zipf", "KRW-BTC")).toBeGreaterThan(0.15);
  expect(share("zipf", "KRW-BTC")).toBeGreaterThan(3 * share("zipf", "KRW-USDT"));
  expect(share("uniform", "KRW-BTC")).toBeLessThan(0.03);
});

test("statistics follow the trades exactly, and a new UTC day starts from the last price", () => {
  let now = Date.UTC(2026, 0, 5, 23, 59, 0);
  const listings = [{ code: "KRW-BTC", koreanName: "비트코인", englishName: "Bitcoin", price: scaled("122720000") }];
  const engine = new MarketEngine({ listings, now: () => now });
  const market = engine.market("KRW-BTC");
  const before = market?.statistics.ticker;
  const trades = run(engine, 50);
  const after = market?.statistics.ticker;
  const turnover = trades.reduce((sum, { price, volume }) => sum + price * volume, 0n);
  expect((after?.turnover ?? 0n) - (before?.turnover ?? 0n)).toBe(turnover);
  expect((after?.turnover24h ?? 0n) - (before?.turnover24h ?? 0n)).toBe(turnover);
  now += 120_000;
  const [first] = run(engine, 1);
  const fresh = market?.statistics.ticker;
  expect(fresh).toMatchObject({ prevClosingPrice: after?.price, openingPrice: first?.price, highPrice: first?.price });
  expect(fresh?.turnover).toBe((first?.price ?? 0n) * (first?.volume ?? 0n));
});

test("a listed market trades, a closed or delisted one does not", () => {
  const engine = new MarketEngine({ listings: defaultListings().slice(0, 2), spread: "uniform" });
  engine.list({ code: "KRW-NEW", koreanName: "새", englishName: "New", price: scaled("100") });
  expect(run(engine, 200).some(({ market }) => market === "KRW-NEW")).toBe(true);
  engine.setOpen("KRW-NEW", false);
  engine.delist("KRW-ETH");
  expect(new Set(run(engine, 200).map(({ market }) => market))).toEqual(new Set(["KRW-BTC"]));
  expect(() => engine.execute("KRW-NEW")).toThrow("KRW-NEW is closed");
  expect(() => engine.delist("KRW-ETH")).toThrow("KRW-ETH is not listed");
});

test("each market counts its trades, relisting or not", () => {
  const listings = defaultListings().slice(0, 1);
  const engine = new MarketEngine({ listings });
  run(engine, 3);
  engine.delist("KRW-BTC");
  for (const listing of listings) engine.list(listing);
  engine.list({ code: "KRW-NEW", koreanName: "새", englishName: "New", price: scaled("100") });
  const trades = engine.log.after(0, 10);
  expect(trades.map(({ market, ordinal }) => `${market} ${ordinal}`)).toEqual([
    ...[1, 2, 3, 4, 5].map((ordinal) => `KRW-BTC ${ordinal}`),
    "KRW-NEW 1",
  ]);
  expect(trades.every(({ timestamp }) => timestamp >= engine.opened)).toBe(true);
});

test("history is a market's trades, newest first, without those that were forgotten", () => {
  const engine = new MarketEngine({ listings: defaultListings().slice(0, 2) });
  run(engine, 10);
  const forgotten = engine.log.forget();
  expect(forgotten).toBe(12);
  const made = ["KRW-BTC", "KRW-ETH", "KRW-BTC", "KRW-BTC"].map((code) => engine.execute(code));
  expect(engine.history("KRW-BTC", 100)).toEqual([made[3], made[2], made[0]]);
  expect(engine.history("KRW-BTC", 1)).toEqual([made[3]]);
  expect(engine.history("KRW-BTC", 100, (trade) => trade !== made[2])).toEqual([made[3], made[0]]);
  expect(engine.log.after(0, 100)).toHaveLength(16);
  expect(engine.log.forget()).toBe(4);
});

test("the log keeps the newest trades and every market's last", () => {
  const engine = new MarketEngine({ keep: 100 });
  run(engine, 1_000);
  const { head, oldest } = engine.log;
  expect(head - oldest).toBeLessThanOrEqual(110);
  expect(engine.log.after(head - 3, 10).map(({ seq }) => seq)).toEqual([head - 2, head - 1, head]);
  expect(engine.markets.every(({ code }) => engine.log.last(code))).toBe(true);
});
