import { env, evictDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import type { IngestReport, Market } from "../protocol/ingest.ts";
import { LIVE } from "./testing/test-events.ts";

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
const REPORT: IngestReport = { status: LIVE, kafka: "up", lastEventTime: null, hints: [] };

it("keeps lists across restarts, and reports only for as long as it lives", async () => {
  const registry = env.REGISTRY.getByName("a");
  await registry.putMarkets("upbit", [BTC]);
  await registry.putReport("upbit", REPORT);
  expect(await registry.view()).toMatchObject({ markets: { upbit: [BTC] }, reports: { upbit: REPORT } });
  await evictDurableObject(registry);
  expect(await registry.view()).toMatchObject({ markets: { upbit: [BTC] }, reports: {} });
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
