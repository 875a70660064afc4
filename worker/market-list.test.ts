import { describe, expect, it } from "vitest";
import { ProtocolError } from "../protocol/errors.ts";
import type { Market } from "../protocol/ingest.ts";
import { takeList } from "./market-list.ts";

function market(base: string, over: Partial<Market> = {}): Market {
  return {
    instrument: `upbit:${base}-KRW`,
    exchange: "upbit",
    base,
    quote: "KRW",
    nativeSymbol: `KRW-${base}`,
    names: { ko: null, en: null },
    status: null,
    warning: null,
    ...over,
  };
}
const many = (count: number) => Array.from({ length: count }, (_, n) => market(`C${n}`));
const bases = (rows: Market[]) => takeList("upbit", rows).markets.map(({ base }) => base);

it("takes a list as it is, an empty one too", () => {
  const rows = [market("BTC"), market("币安人生")];
  expect(takeList("upbit", rows)).toEqual({ markets: rows, leftOut: "" });
  expect(takeList("upbit", [])).toEqual({ markets: [], leftOut: "" });
});

describe("a list with rows of another exchange", () => {
  it.each([
    { exchange: "binance" },
    { instrument: "binance:BTC-KRW" },
    { instrument: "upbitx:BTC-KRW" },
    { exchange: "binance", instrument: "binance:BTC-KRW" },
  ])("is refused: %j", (over) => {
    const put = () => takeList("upbit", [market("ETH"), market("BTC", over)]);
    expect(put).toThrow(ProtocolError);
    expect(put).toThrow(/of upbit, and it names "(binance|upbitx|upbit):BTC-KRW" of "(binance|upbit)"/);
  });
});

describe("a row that can't be shown costs that row", () => {
  it.each([
    [market("btc"), "no BASE-QUOTE"],
    [market("A B"), "no BASE-QUOTE"],
    [market("ETH", { instrument: "upbit:ETH-BTC" }), "its base and quote are ETH and KRW"],
    [market("BTC", { status: "again" }), "named twice"],
    [market("ETH", { warning: "x".repeat(4_000) }), "too long"],
  ])("%#", (odd, why) => {
    const { markets, leftOut } = takeList("upbit", [market("BTC"), odd, market("XRP")]);
    expect(markets).toEqual([market("BTC"), market("XRP")]);
    expect(leftOut).toMatch(/^1 rows of its market list are left out: /);
    expect(leftOut).toContain(why);
  });

  it("but a list of nothing else is refused, since an empty one would send every client away", () => {
    expect(() => takeList("upbit", [market("btc")])).toThrow("nothing of this list can be taken");
  });
});

describe("what is too much is left out, and said", () => {
  it("beyond 20,000 rows", () => {
    const { markets, leftOut } = takeList("upbit", many(20_005));
    expect(markets).toEqual(many(20_000));
    expect(leftOut).toMatch(/^5 rows .*: upbit:C20000-KRW \(beyond .*\), .*, …$/);
  });

  it("beyond 4,000,000 characters", () => {
    const long = many(5_000).map((row) => ({ ...row, warning: "x".repeat(1_000) }));
    expect(JSON.stringify(takeList("upbit", long).markets).length).toBeLessThan(4_100_000);
    expect(bases(long)).toEqual(bases(many(bases(long).length)));
  });
});
