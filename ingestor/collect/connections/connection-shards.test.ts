import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { Market } from "../../../protocol/ingest.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import { MemoryLog } from "../../log/memory.ts";
import { Backfiller } from "../backfill/backfiller.ts";
import { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";
import { FrameProcessor } from "../frames/frame-processor.ts";
import { RateLimiter } from "../limits/rate-limiter.ts";
import { ConnectionShard, type ConnectionShardOptions } from "./connection-shard.ts";
import { ConnectionShards } from "./connection-shards.ts";

/** What a shard needs that connects to nothing. */
function options(): ConnectionShardOptions {
  const [writer, deduplicator, logger] = [
    new MemoryLog(),
    new TradeDeduplicator([], () => 0),
    pino({ level: "silent" }),
  ];
  const { append, onBody } = { append: () => undefined, onBody: () => undefined };
  const rest = {
    restUrl: "http://nowhere",
    market: () => undefined,
    listed: Promise.resolve(),
    append,
    onBody,
    overloaded: () => false,
  };
  const backfiller = new Backfiller({ history: upbit.history, deduplicator, logger, ...rest });
  const processor = new FrameProcessor({ exchange: upbit, writer, deduplicator, backfiller, logger });
  const { feed } = upbit;
  const state = { backpressureReason: () => undefined, onState: () => undefined };
  return { feed, wsUrl: "ws://nowhere", connects: new RateLimiter(feed.connects), processor, logger, ...state };
}

describe("connection shards", () => {
  /** What the shards were asked to bring: to bring something anew costs messages. */
  let brought: string[];
  let shards: ConnectionShards;

  class Told extends ConnectionShard {
    override subscribe(markets: readonly Market[]): void {
      brought.push(names(markets));
      super.subscribe(markets);
    }
  }

  beforeEach(() => {
    brought = [];
    shards = new ConnectionShards(2, (markets) => new Told(markets, options()));
  });

  const names = (markets: readonly Market[]) => markets.map(({ base }) => base).join("");
  const dealt = () => shards.all.map(({ markets }) => names(markets));
  function deal(bases: string): void {
    shards.assign(upbit.readMarkets(JSON.stringify([...bases].map((base) => ({ market: `KRW-${base}` })))));
  }

  it("hold as many markets as a connection takes", () => {
    deal("ABCDE");
    expect([dealt(), brought]).toEqual([["AB", "CD", "E"], []]);
  });

  it("are one where a connection takes all", () => {
    shards = new ConnectionShards(Number.POSITIVE_INFINITY, (markets) => new Told(markets, options()));
    deal("ABCDE");
    deal("ABCDEF");
    expect([dealt(), brought]).toEqual([["ABCDEF"], ["ABCDEF"]]);
  });

  it("are left alone when nothing has changed, whatever the order of the list", () => {
    deal("ABCDE");
    const before = shards.all;
    deal("EDCBA");
    expect([dealt(), brought]).toEqual([["AB", "CD", "E"], []]);
    expect(shards.all).toEqual(before);
  });

  it("take new markets where there is room, without moving any other", () => {
    deal("ABCDE");
    deal("ABCDEFGH");
    expect([dealt(), brought]).toEqual([["AB", "CD", "EF", "GH"], ["EF"]]);
  });

  it("put a new market in the place of one that has gone", () => {
    deal("ABCD");
    deal("ACDX");
    expect([dealt(), brought]).toEqual([["AX", "CD"], ["AX"]]);
  });

  it("end when nothing is left for them, and the others go on", () => {
    deal("ABCDE");
    const [first, second, third] = shards.all;
    deal("AB");
    expect(dealt()).toEqual(["AB"]);
    expect([first?.stopped, second?.stopped, third?.stopped, brought]).toEqual([false, true, true, []]);
    deal("");
    expect([shards.all, first?.stopped]).toEqual([[], true]);
    deal("AB");
    expect([dealt(), shards.all[0] === first]).toEqual([["AB"], false]);
  });

  it("go on with other markets rather than end and begin anew", () => {
    deal("AB");
    const [shard] = shards.all;
    deal("XY");
    expect([dealt(), brought, shards.all[0] === shard, shard?.stopped]).toEqual([["XY"], ["XY"], true, false]);
  });

  it("bring no market twice, and each that is wanted", () => {
    for (const bases of ["ABCDEFG", "BDFH", "HBXYZ", "A", "ZYXWVUTS", "STU"]) {
      deal(bases);
      expect([...dealt().join("")].toSorted()).toEqual([...bases].toSorted());
      expect(Math.max(...dealt().map((one) => one.length))).toBeLessThanOrEqual(2);
    }
  });

  it("are found by what they bring", () => {
    deal("ABC");
    expect(shards.of("upbit:C-KRW")).toBe(shards.all[1]);
    expect(shards.of("upbit:D-KRW")).toBeUndefined();
    deal("AB");
    expect(shards.of("upbit:C-KRW")).toBeUndefined();
  });

  it("stop together", () => {
    deal("ABC");
    shards.stop();
    expect(shards.all.map(({ stopped }) => stopped)).toEqual([true, true]);
  });
});
