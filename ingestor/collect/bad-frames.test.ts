import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { Market } from "../../protocol/ingest.ts";
import { BadFrames, marketsNamed } from "./bad-frames.ts";

describe("bad frames", () => {
  let logged: { reason: string; frame: string }[];
  let bad: BadFrames;

  beforeEach(() => {
    logged = [];
    bad = new BadFrames(pino({ level: "warn" }, { write: (line: string) => void logged.push(JSON.parse(line)) }));
  });

  it("are logged once for each kind of fault, whatever they quote", () => {
    bad.log('tp: expected a number, got "1,5"', "first");
    bad.log('tp: expected a number, got "n/a"', "second");
    bad.log("tms: 17 is no time", "third");
    bad.log("tms: 1788335180377 is no time", "fourth");
    bad.log("tv: expected a number, got 'x'", "fifth");
    expect(logged.map(({ frame }) => frame)).toEqual(["first", "third", "fifth"]);
  });

  it("that are no JSON are of one kind, wherever they stop being it", () => {
    bad.log("not JSON: Unexpected token 'a', \"abc\" is not valid JSON", "abc");
    bad.log("not JSON: Unterminated string\nin JSON at position 5", '"abc');
    expect(logged.length).toBe(1);
  });

  it("are logged by their beginning", () => {
    bad.log("too long", "x".repeat(100_000));
    expect(logged[0]).toMatchObject({ reason: "too long", frame: "x".repeat(300) });
  });

  it("fill no log, whatever an exchange sends", () => {
    for (let length = 1; length <= 1000; length += 1) bad.log("x".repeat(length), "{}");
    expect(logged.length).toBe(100);
  });
});

describe("the markets that a bad frame may be about", () => {
  const market = (nativeSymbol: string): Market => {
    const rest = { exchange: "upbit", base: "", quote: "", names: { ko: null, en: null }, status: null, warning: null };
    return { instrument: `upbit:${nativeSymbol}`, nativeSymbol, ...rest };
  };
  const ALL = ["KRW-BTC", "KRW-BT", "BTC-KRW", "btc_krw", "ETHUSDT", "KRW-비트"].map(market);
  const named = (text: string) => marketsNamed(text, ALL).map(({ nativeSymbol }) => nativeSymbol);

  it.each([
    ['{"cd":"KRW-BTC","tp":1e}', ["KRW-BTC"]],
    ['{"code":"KRW-BTC"}{"code":"BTC-KRW"}', ["KRW-BTC", "BTC-KRW"]],
    ['{"stream":"ethusdt@trade","data":', ["ETHUSDT"]],
    ['{"symbol":"btc_krw"', ["btc_krw"]],
    ['{"cd":"KRW-비트"', ["KRW-비트"]],
  ])("are those it names, not those whose names stand in it by chance: %s", (text, expected) => {
    expect(named(text)).toEqual(expected);
  });

  it.each(["", "{", '{"cd":"KRW-B', '{"cd":"KRW-XRP"}', "\u0000\ufffd"])("are all when it names none: %j", (text) => {
    expect(named(text).length).toBe(ALL.length);
  });
});
