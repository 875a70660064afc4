import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { Market } from "../../../protocol/ingest.ts";
import { FrameError, type Subject } from "../../exchanges/exchange.ts";
import { BadFrames, marketsNamed } from "./bad-frames.ts";

const market = (nativeSymbol: string): Market => {
  const rest = { exchange: "upbit", base: "", quote: "", names: { ko: null, en: null }, status: null, warning: null };
  return { instrument: `upbit:${nativeSymbol}`, nativeSymbol, ...rest };
};
const [BTC, ETH] = ["upbit:KRW-BTC", "upbit:KRW-ETH"];

describe("bad frames", () => {
  let logged: { reason: string; frame: string }[];
  let bad: BadFrames;

  beforeEach(() => {
    logged = [];
    bad = new BadFrames(pino({ level: "warn" }, { write: (line: string) => void logged.push(JSON.parse(line)) }));
  });
  function add(reason: string, text: string, subject: Subject = "trade", received = 1000, lastTrade = 0): void {
    const error = new FrameError(reason, [], subject);
    const markets = [market("KRW-BTC"), market("KRW-ETH")];
    bad.add({ error, text, markets, received, reliedOn: received - 100, lastTrade });
  }

  it("are logged once for each kind of fault, whatever they quote", () => {
    add('tp: expected a number, got "1,5"', "first");
    add('tp: expected a number, got "n/a"', "second");
    add("tms: 17 is no time", "third");
    add("tms: 1788335180377 is no time", "fourth");
    add("tv: expected a number, got 'x'", "fifth");
    expect(logged.map(({ frame }) => frame)).toEqual(["first", "third", "fifth"]);
  });

  it("that are no JSON are of one kind, wherever they stop being it", () => {
    add("not JSON: Unexpected token 'a', \"abc\" is not valid JSON", "abc");
    add("not JSON: Unterminated string\nin JSON at position 5", '"abc');
    expect(logged.length).toBe(1);
  });

  it("are logged by their beginning", () => {
    add("too long", "x".repeat(100_000));
    expect(logged[0]).toMatchObject({ reason: "too long", frame: "x".repeat(300) });
  });

  it("fill no log, whatever an exchange sends", () => {
    for (let length = 1; length <= 1000; length += 1) add("x".repeat(length), "{}");
    expect(logged.length).toBe(100);
  });

  it("may have told trades of the markets that they name, since the first of them came", () => {
    add("bad", "KRW-BTC", "trade", 1000);
    add("bad", "KRW-BTC", "trade", 2000);
    expect(bad.takeUnreadable()).toEqual([[BTC, { since: 900, until: 2000 }]]);
    expect(bad.takeUnreadable()).toEqual([]);
  });

  it("that say they are no trade are no suspected gap", () => {
    add("tp: not a number", "KRW-BTC", "no-trade");
    expect([logged.length, bad.takeUnreadable()]).toEqual([1, []]);
  });

  describe("of a type that is unknown", () => {
    const news = (received: number, lastTrade: number, text = "KRW-BTC") =>
      add("type: unknown", text, { unknownType: "news" }, received, lastTrade);

    it("are one suspected gap for each market while trades come as ever", () => {
      for (let at = 1000; at <= 600_000; at += 1000) news(at, at - 10);
      expect(bad.takeUnreadable()).toEqual([[BTC, { since: 900, until: 1000 }]]);
      news(700_000, 699_000, "KRW-ETH");
      expect(bad.takeUnreadable()).toEqual([[ETH, { since: 699_900, until: 700_000 }]]);
    });

    it("are a suspected gap again, from the last one on, where no trade has come since", () => {
      news(1000, 990);
      bad.takeUnreadable();
      for (let at = 2000; at < 61_000; at += 1000) news(at, 990);
      expect(bad.takeUnreadable()).toEqual([]);
      news(61_000, 990);
      expect(bad.takeUnreadable()).toEqual([[BTC, { since: 1000, until: 61_000 }]]);
    });

    it("are remembered by a bounded number of types", () => {
      for (let n = 0; n < 200; n += 1) {
        add("type: unknown", "KRW-BTC", { unknownType: `type ${n}` }, 1000 + n, 1000 + n);
        bad.takeUnreadable();
      }
      add("type: unknown", "KRW-BTC", { unknownType: "one more" }, 2000, 1999);
      expect(bad.takeUnreadable()).toEqual([]);
    });
  });
});

describe("the markets that a bad frame may be about", () => {
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
