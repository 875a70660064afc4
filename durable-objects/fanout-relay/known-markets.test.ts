import { expect, it } from "vitest";
import type { Market } from "../../protocol/ingest.ts";
import { createPartitioner } from "../../protocol/partition.ts";
import { parsePattern } from "../../protocol/pattern.ts";
import type { RegistryView } from "../registry/registry.ts";
import { LIVE } from "../testing/test-events.ts";
import { KnownMarkets } from "./known-markets.ts";

function market(exchange: string, base: string, quote: string): Market {
  const names = { ko: null, en: null };
  return {
    instrument: `${exchange}:${base}-${quote}`,
    exchange,
    base,
    quote,
    nativeSymbol: base,
    names,
    status: null,
    warning: null,
  };
}

function view(version: string, markets: RegistryView["markets"], partitions: Record<string, number>): RegistryView {
  const report = { status: LIVE, kafka: "up" as const, lastEventTime: null, term: 1, hints: [], at: 1 };
  const reports = Object.fromEntries(
    Object.entries(partitions).map(([name, n]) => [name, { ...report, partitions: n }]),
  );
  return { version, markets, leftOut: {}, reports };
}

it("looks streams up in what the registry has told, whose lists travel once", async () => {
  const asked: (string | undefined)[] = [];
  const upbit = [market("upbit", "BTC", "KRW"), market("upbit", "ETH", "KRW"), market("upbit", "ETH", "BTC")];
  const answers = [view("1", { upbit }, { upbit: 2 }), view("1", null, { upbit: 2 }), view("1", null, { upbit: 3 })];
  const markets = new KnownMarkets((known) => {
    asked.push(known);
    return Promise.resolve(answers[asked.length - 1] ?? view("1", null, {}));
  });
  expect(markets.known).toBe(false);
  expect(() => markets.current).toThrow("the registry has to be asked first");
  expect(await Promise.all([markets.refresh(), markets.refresh()])).toEqual([true, true]);
  const { current } = markets;
  expect([current.exchanges, current.has("upbit:BTC-KRW"), current.has("upbit:X-KRW")]).toEqual([
    ["upbit"],
    true,
    false,
  ]);
  expect(current.count(parsePattern("*:*-KRW@trade"))).toBe(2);
  expect(current.partitionsOf("upbit")).toEqual(["upbit/0", "upbit/1"]);
  expect(current.partitionsOf("binance")).toEqual([]);
  expect(current.partitionOf("upbit:ETH-BTC")).toBe(`upbit/${createPartitioner(2)("upbit:ETH-BTC")}`);
  expect(await markets.refresh()).toBe(false);
  expect(markets.current.has("upbit:BTC-KRW")).toBe(true);
  expect(await markets.refresh()).toBe(true);
  expect(asked).toEqual([undefined, "1", "1"]);
});

it("keeps what it knows where the registry does not answer", async () => {
  let fails = false;
  const markets = new KnownMarkets(() =>
    fails ? Promise.reject(new Error("away")) : Promise.resolve(view("1", { upbit: [] }, {})),
  );
  await markets.refresh();
  fails = true;
  await expect(markets.refresh()).rejects.toThrow("away");
  expect(markets.current.exchanges).toEqual(["upbit"]);
});
