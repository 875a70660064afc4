import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { Market } from "../../protocol/ingest.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import { MemoryLog } from "../log/memory.ts";
import { Budget } from "./budget.ts";
import { Healer } from "./healer.ts";
import { Intake } from "./intake.ts";
import { KnownTrades } from "./known-trades.ts";
import { Share, type ShareOptions } from "./share.ts";
import { Shares } from "./shares.ts";

/** What a share needs that connects to nothing. */
function options(): ShareOptions {
  const [writer, known, logger] = [new MemoryLog(), new KnownTrades([], () => 0), pino({ level: "silent" })];
  const { append, onBody } = { append: () => undefined, onBody: () => undefined };
  const rest = {
    restUrl: "http://nowhere",
    market: () => undefined,
    listed: Promise.resolve(),
    append,
    onBody,
    overloaded: () => false,
  };
  const healer = new Healer({ history: upbit.history, known, logger, ...rest });
  const intake = new Intake({ exchange: upbit, writer, known, healer, logger });
  const { feed } = upbit;
  const state = { hindrance: () => undefined, onState: () => undefined };
  return { feed, wsUrl: "ws://nowhere", connects: new Budget(feed.connects), intake, logger, ...state };
}

describe("shares", () => {
  /** What the shares were asked to bring: to bring something anew costs messages. */
  let brought: string[];
  let shares: Shares;

  class Told extends Share {
    override bring(markets: readonly Market[]): void {
      brought.push(names(markets));
      super.bring(markets);
    }
  }

  beforeEach(() => {
    brought = [];
    shares = new Shares(2, (markets) => new Told(markets, options()));
  });

  const names = (markets: readonly Market[]) => markets.map(({ base }) => base).join("");
  const dealt = () => shares.all.map(({ markets }) => names(markets));
  function deal(bases: string): void {
    shares.deal(upbit.readMarkets(JSON.stringify([...bases].map((base) => ({ market: `KRW-${base}` })))));
  }

  it("hold as many markets as a connection takes", () => {
    deal("ABCDE");
    expect([dealt(), brought]).toEqual([["AB", "CD", "E"], []]);
  });

  it("are one where a connection takes all", () => {
    shares = new Shares(Number.POSITIVE_INFINITY, (markets) => new Told(markets, options()));
    deal("ABCDE");
    deal("ABCDEF");
    expect([dealt(), brought]).toEqual([["ABCDEF"], ["ABCDEF"]]);
  });

  it("are left alone when nothing has changed, whatever the order of the list", () => {
    deal("ABCDE");
    const before = shares.all;
    deal("EDCBA");
    expect([dealt(), brought]).toEqual([["AB", "CD", "E"], []]);
    expect(shares.all).toEqual(before);
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
    const [first, second, third] = shares.all;
    deal("AB");
    expect(dealt()).toEqual(["AB"]);
    expect([first?.stopped, second?.stopped, third?.stopped, brought]).toEqual([false, true, true, []]);
    deal("");
    expect([shares.all, first?.stopped]).toEqual([[], true]);
    deal("AB");
    expect([dealt(), shares.all[0] === first]).toEqual([["AB"], false]);
  });

  it("go on with other markets rather than end and begin anew", () => {
    deal("AB");
    const [share] = shares.all;
    deal("XY");
    expect([dealt(), brought, shares.all[0] === share, share?.stopped]).toEqual([["XY"], ["XY"], true, false]);
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
    expect(shares.of("upbit:C-KRW")).toBe(shares.all[1]);
    expect(shares.of("upbit:D-KRW")).toBeUndefined();
    deal("AB");
    expect(shares.of("upbit:C-KRW")).toBeUndefined();
  });

  it("stop together", () => {
    deal("ABC");
    shares.stop();
    expect(shares.all.map(({ stopped }) => stopped)).toEqual([true, true]);
  });
});
