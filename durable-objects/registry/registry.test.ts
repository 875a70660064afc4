import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, it, vi } from "vitest";
import type { IngestReport, Market } from "../../protocol/ingest.ts";
import { createPartitioner } from "../../protocol/partition.ts";
import type { Registration } from "../../protocol/registrations.ts";
import { LIVE } from "../testing/test-events.ts";

const BTC: Market = {
  instrument: "upbit:BTC-KRW",
  exchange: "upbit",
  base: "BTC",
  quote: "KRW",
  nativeSymbol: "KRW-BTC",
  names: { ko: "비트코인", en: "Bitcoin" },
  status: "active",
  warning: null,
};
const ETH: Market = { ...BTC, instrument: "upbit:ETH-KRW", base: "ETH", nativeSymbol: "KRW-ETH" };
const REPORT: IngestReport = { status: LIVE, kafka: "up", lastEventTime: null, term: 0, hints: [] };
const rule = (symbol: string, collected: boolean, exchange = "upbit"): Registration => ({
  exchange,
  symbol,
  collected,
});

afterEach(() => {
  vi.useRealTimers();
});

it("keeps lists across restarts, and reports only for as long as it lives", async () => {
  const registry = env.REGISTRY.getByName("a");
  await registry.putMarkets("upbit", [BTC]);
  await registry.putReport("upbit", REPORT);
  expect(await registry.view()).toMatchObject({ markets: { upbit: [BTC] }, reports: { upbit: REPORT } });
  await evictDurableObject(registry);
  expect(await registry.view()).toMatchObject({ markets: { upbit: [BTC] }, reports: {} });
});

it("keeps a list of any length, and what was not taken of it", async () => {
  const registry = env.REGISTRY.getByName("a2");
  const names = { ko: "가".repeat(50), en: "b".repeat(50) };
  const long = Array.from({ length: 20_000 }, (_, n) => ({
    ...BTC,
    base: `C${n}`,
    instrument: `upbit:C${n}-KRW`,
    names,
  }));
  await registry.putMarkets("upbit", long, "5 rows are left out");
  await registry.putMarkets("bithumb", [], "");
  await evictDurableObject(registry);
  const { version, markets, leftOut } = await registry.view();
  expect(markets).toEqual({ upbit: long, bithumb: [] });
  expect(leftOut).toEqual({ upbit: "5 rows are left out" });
  await registry.putMarkets("upbit", long);
  await evictDurableObject(registry);
  expect(await registry.view()).toMatchObject({ leftOut: {} });
  await registry.putMarkets("upbit", long.slice(1));
  expect((await registry.view(version)).markets?.["upbit"]).toHaveLength(19_999);
  await evictDurableObject(registry);
  expect((await registry.view()).markets?.["upbit"]).toEqual(long.slice(1));
});

it("takes over the lists that an earlier version kept", async () => {
  const registry = env.REGISTRY.getByName("a3");
  await runInDurableObject(registry, (_, { storage }) => {
    storage.sql.exec("DROP TABLE version");
    storage.sql.exec("CREATE TABLE markets (exchange TEXT PRIMARY KEY, body TEXT NOT NULL)");
    storage.sql.exec("INSERT INTO markets VALUES ('upbit', ?), ('korbit', '[]')", JSON.stringify([BTC]));
  });
  for (const _ of [1, 2]) {
    await evictDurableObject(registry);
    expect((await registry.view()).markets).toEqual({ upbit: [BTC], korbit: [] });
  }
});

it("sends lists only to those that have another version", async () => {
  const registry = env.REGISTRY.getByName("b");
  const { version: empty } = await registry.view();
  await registry.putMarkets("upbit", [BTC]);
  const { version, markets } = await registry.view(empty);
  expect(markets).toEqual({ upbit: [BTC] });
  await registry.putMarkets("upbit", [structuredClone(BTC)]);
  expect(await registry.view(version)).toMatchObject({ version, markets: null });
  await registry.putMarkets("upbit", []);
  expect(await registry.view(version)).toMatchObject({ markets: { upbit: [] } });
});

it("never takes a version of an earlier life for its own", async () => {
  const registry = env.REGISTRY.getByName("c");
  const { version } = await registry.view();
  await evictDurableObject(registry);
  expect((await registry.view(version)).markets).toEqual({});
});

it("shows only what is collected, by rules that it keeps", async () => {
  const registry = env.REGISTRY.getByName("d");
  await registry.putMarkets("upbit", [BTC, ETH]);
  const { version } = await registry.view();
  expect(await registry.register(rule("BTC-KRW", true))).toBeNull();
  expect((await registry.view(version)).markets).toBeNull();
  expect(await registry.register(rule("*-KRW", false))).toBeNull();
  expect(await registry.register(rule("ETH-KRW", true))).toBeNull();
  expect((await registry.view(version)).markets).toEqual({ upbit: [ETH] });
  await evictDurableObject(registry);
  expect((await registry.view()).markets).toEqual({ upbit: [ETH] });
  expect(await registry.registrations()).toEqual([rule("*-KRW", false), rule("ETH-KRW", true)]);
  await registry.register(rule("*-*", true));
  await evictDurableObject(registry);
  expect(await registry.registrations()).toEqual([]);
  expect((await registry.view()).markets).toEqual({ upbit: [BTC, ETH] });
});

it("sets no rule for what there isn't, and says what there is", async () => {
  const registry = env.REGISTRY.getByName("e");
  expect(await registry.register(rule("*-*", false))).toContain("known are none yet");
  await registry.putMarkets("upbit", [BTC]);
  await registry.putMarkets("binance", [{ ...BTC, exchange: "binance", base: "TUSD", quote: "BTC" }]);
  expect(await registry.register(rule("*-*", false, "bithum"))).toContain("known are binance, upbit");
  expect(await registry.register(rule("*-USDT", false))).toContain("its quotes are KRW");
  expect(await registry.register(rule("NOPE-KRW", false))).toContain("there is no upbit:NOPE-KRW");
  expect(await registry.register(rule("BTC-TUSD", false, "binance"))).toContain("did you mean binance:TUSD-BTC?");
  expect(await registry.registrations()).toEqual([]);
});

it("lets go of a rule whose instrument is no longer listed", async () => {
  const registry = env.REGISTRY.getByName("f");
  await registry.putMarkets("upbit", [BTC, ETH]);
  await registry.register(rule("ETH-KRW", false));
  await registry.putMarkets("upbit", [BTC]);
  expect(await registry.register(rule("ETH-KRW", true))).toBeNull();
  expect(await registry.registrations()).toEqual([]);
});

it("answers a report with the rules of its exchange", async () => {
  const registry = env.REGISTRY.getByName("g");
  await registry.putMarkets("upbit", [BTC]);
  await registry.register(rule("BTC-KRW", false));
  const answer = { registrations: [{ symbol: "BTC-KRW", collected: false }], drain: null };
  expect(await registry.putReport("upbit", REPORT)).toEqual(answer);
  expect(await registry.putReport("bithumb", REPORT)).toEqual({ registrations: [], drain: null });
});

it("keeps how many partitions a log has, whatever ingestors that don't say so report: where an instrument is hangs on it", async () => {
  const registry = env.REGISTRY.getByName("p");
  const known = async () => (await registry.view()).reports["upbit"]?.partitions;
  await registry.putReport("upbit", REPORT);
  expect(await known()).toBeUndefined();
  await registry.putReport("upbit", { ...REPORT, partitions: 4 });
  await registry.putReport("upbit", REPORT);
  expect(await known()).toBe(4);
  await evictDurableObject(registry);
  expect(createPartitioner((await known()) ?? 0)("binance:币安人生-USDT")).toBe(3);
  await registry.putReport("upbit", { ...REPORT, kafka: "down" });
  await registry.putReport("upbit", { ...REPORT, partitions: 16 });
  await evictDurableObject(registry);
  expect(createPartitioner((await known()) ?? 0)("binance:币安人生-USDT")).toBe(11);
});

it("opens a report that an earlier version stored", async () => {
  const registry = env.REGISTRY.getByName("p2");
  await runInDurableObject(registry, (_, { storage }) => {
    storage.sql.exec("INSERT INTO reports VALUES ('upbit', ?)", JSON.stringify({ ...REPORT, at: 1 }));
  });
  await evictDurableObject(registry);
  expect((await registry.view()).reports["upbit"]).toEqual({ ...REPORT, at: 1 });
  await registry.putReport("upbit", { ...REPORT, partitions: 4 });
  expect((await registry.view()).reports["upbit"]?.partitions).toBe(4);
});

it("answers every report of the next 15 s with the newest drain", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  const registry = env.REGISTRY.getByName("h");
  await registry.drain(1000);
  const order = await registry.drain(5000);
  expect(order.within).toBe(5000);
  for (const exchange of ["upbit", "bithumb"]) {
    expect((await registry.putReport(exchange, REPORT)).drain).toEqual(order);
  }
  vi.setSystemTime(1_015_001);
  expect((await registry.putReport("upbit", REPORT)).drain).toBeNull();
});

it("takes no report of a collector that was superseded, unless the other has gone silent", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  const registry = env.REGISTRY.getByName("i");
  const heldTerm = async () => (await registry.view()).reports["upbit"]?.term;
  await registry.putReport("upbit", { ...REPORT, term: 4 });
  await registry.putReport("upbit", { ...REPORT, term: 3 });
  expect(await heldTerm()).toBe(4);
  await registry.putReport("upbit", { ...REPORT, term: 5 });
  await evictDurableObject(registry);
  expect((await registry.putReport("upbit", { ...REPORT, term: 4 })).registrations).toEqual([]);
  expect(await heldTerm()).toBe(5);
  vi.setSystemTime(1_015_001);
  await registry.putReport("upbit", { ...REPORT, term: 3 });
  expect(await heldTerm()).toBe(3);
});
