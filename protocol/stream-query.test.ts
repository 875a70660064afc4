import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "./limits.ts";
import { parseStreamOrPattern } from "./pattern.ts";
import { CHANNELS, RATES } from "./stream.ts";
import { streamsOfQuery } from "./stream-query.ts";

const read = (query: string) => streamsOfQuery(new URLSearchParams(query));

describe("streamsOfQuery", () => {
  it("passes on what `streams` names, as it was written", () => {
    expect(read("streams=upbit:BTC-KRW@trade,upbit:*-KRW@ticker,nonsense")).toEqual([
      "upbit:BTC-KRW@trade",
      "upbit:*-KRW@ticker",
      "nonsense",
    ]);
  });

  it("names nothing where nothing is asked for", () => {
    expect(read("")).toEqual([]);
    expect(streamsOfQuery(new URLSearchParams("last_event_id=a:1"), ["last_event_id"])).toEqual([]);
  });

  it("makes streams of a filter, and wildcards of what is left out", () => {
    expect(read("exchange=upbit&base=BTC,ETH&quote=KRW&channel=ticker,trade&rate=1s")).toEqual([
      "upbit:BTC-KRW@ticker@1s",
      "upbit:BTC-KRW@trade@1s",
      "upbit:ETH-KRW@ticker@1s",
      "upbit:ETH-KRW@trade@1s",
    ]);
    expect(read("exchange=upbit&base=BTC&quote=KRW&channel=trade")).toEqual(["upbit:BTC-KRW@trade@100ms"]);
    expect(read("exchange=upbit&quote=KRW&channel=trade")).toEqual(["upbit:*-KRW@trade@1s"]);
    expect(read("base=BTC&quote=*&channel=ticker&rate=raw")).toEqual(["*:BTC-*@ticker@raw"]);
    expect(read("channel=trade")).toEqual(["*:*-*@trade@1s"]);
  });

  it("makes names in canonical form of whatever it accepts, each once", () => {
    const list = (values: readonly string[]) =>
      fc.subarray([...values], { minLength: 1 }).map((some) => some.join(","));
    const filter = fc.record(
      {
        exchange: list(["upbit", "binance"]),
        base: list(["BTC", "ETH", "币"]),
        quote: list(["KRW", "USDT"]),
        rate: fc.constantFrom(...RATES),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(filter, list(CHANNELS), (some, channel) => {
        const names = streamsOfQuery(new URLSearchParams({ ...some, channel }));
        expect(names.map((name) => parseStreamOrPattern(name).name)).toEqual(names);
        expect(new Set(names).size).toBe(names.length);
        const count = [some.exchange, some.base, some.quote, channel].map((one) => one?.split(",").length ?? 1);
        expect(names.length).toBe(count.reduce((product, one) => product * one));
      }),
    );
  });

  it.each([
    ["stream=a", 'there is no query parameter "stream" here: use streams, exchange, base, quote, channel, rate'],
    ["streams=a&streams=b", '"streams" is given more than once'],
    ["streams=", '"streams" is empty'],
    ["streams=a&channel=trade", '"streams" names them all: it can\'t stand beside "channel"'],
    ["exchange=upbit", "a filter needs a channel"],
    ["exchange=&channel=trade", '"exchange" is empty: leave it out for every one'],
    ["exchange=Upbit&channel=trade", "did you mean upbit?"],
    ["exchange=upbit&base=btc&channel=trade", "did you mean BTC-*?"],
    ["exchange=upbit&base=KRW&quote=BTC&channel=trade", "did you mean BTC-KRW?"],
    ["base=BTC&channel=book", 'there is no channel "book"'],
    ["base=BTC&channel=trade&rate=2s", 'there is no rate "2s"'],
    ["base=BTC&channel=trade&rate=1s,raw", "one rate for all, please: 1s or raw"],
  ])("says what is wrong with %s", (query, message) => {
    expect(() => read(query)).toThrow(message);
  });

  it("multiplies no filter into more streams than a connection may have", () => {
    const many = (prefix: string) => Array.from({ length: 300 }, (_, i) => `${prefix}${i}`).join(",");
    expect(() => read(`base=${many("A")}&quote=${many("B")}&channel=trade`)).toThrow(
      `90000 streams in one request: at most ${LIMITS.streams}`,
    );
    expect(() => read(`streams=${many("s")}`)).toThrow("300 streams in one request");
  });
});
