/** Everything that was recorded from Bithumb, against what was worked out by hand from its documentation. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readMarkets } from "./feed.ts";
import { parseFrame } from "./parse.ts";

const folder = new URL("../../../../shared/recordings/", import.meta.url);
const present = existsSync(new URL("bithumb/", folder)) && existsSync(new URL("examples/bithumb.jsonl", folder));

const IGNORED = { kind: "ignored" };
const refused = (message: string) => ({ kind: "refused", message });
const events = (...list: object[]) => ({ kind: "events", events: list });
/** With what was traded since midnight. */
const ticker = (volume: string, event: object) => ({
  ...events(event),
  volumes: new Map([["bithumb:BTC-KRW", volume]]),
});

/** A trade of the older generation; its time is that of London, nine hours before the one in the frame. */
function older(instrument: string, price: string, size: string, side: string, time: string): object {
  const utc = Date.parse(time);
  return { type: "trade", instrument, id: null, price, size, side, time: utc, received: 7, snapshot: false };
}

/** The documentation's ticker: what does not differ between its long and its short form. */
const documented = {
  type: "ticker",
  instrument: "bithumb:BTC-KRW",
  price: "493100",
  side: "buy",
  open: "484500",
  high: "493100",
  prevClose: "484500",
  change: "8600",
  changePct: "1.775026",
  window: "kst-day",
  bid: null,
  ask: null,
  status: "active",
  received: 7,
};

const EXPECTED: Readonly<Record<string, readonly object[]>> = {
  "bithumb/cryptofeed__ws_gen1__status_transaction__20210601.jsonl": [
    IGNORED,
    IGNORED,
    events(older("bithumb:CON-KRW", "3.908", "12365.191", "buy", "2021-06-01T23:43:34.555Z")),
    events(older("bithumb:GOM2-KRW", "7.524", "626", "sell", "2021-06-01T23:43:41.416Z")),
    events(older("bithumb:GOM2-KRW", "7.523", "526", "buy", "2021-06-01T23:43:42.239Z")),
    events(
      older("bithumb:GOM2-KRW", "7.524", "76999.569", "buy", "2021-06-01T23:43:42.240Z"),
      older("bithumb:GOM2-KRW", "7.525", "537", "buy", "2021-06-01T23:43:42.241Z"),
      older("bithumb:GOM2-KRW", "7.525", "524", "buy", "2021-06-01T23:43:42.241Z"),
      older("bithumb:GOM2-KRW", "7.525", "556", "sell", "2021-06-01T23:43:43.188Z"),
    ),
  ],
  "bithumb/gocryptotrader__ws_gen1__ticker_transaction_orderbookdepth__202108.jsonl": [
    events({
      type: "ticker",
      instrument: "bithumb:UNI-KRW",
      price: "34010",
      size: null,
      side: null,
      open: "33400",
      high: "34510",
      low: "32660",
      prevClose: "33530",
      change: "610",
      changePct: "1.83",
      window: "24h",
      baseVolume24h: "1359398.496892086826189907",
      quoteVolume24h: "45741663716.89916828275244531",
      bid: null,
      ask: null,
      status: null,
      time: Date.parse("2021-08-11T04:20:17Z"),
      received: 7,
    }),
    events(older("bithumb:DAI-KRW", "1166", "125.24", "sell", "2021-08-13T06:23:42.911Z")),
    IGNORED,
  ],
  "bithumb/quoted_captures__ws_v1_gen2__trade_status_error__2026.jsonl": [
    events({
      type: "trade",
      instrument: "bithumb:BTC-KRW",
      id: "862683813820523888",
      price: "95539000",
      size: "0.00022664",
      side: "sell",
      // The frame's own "13:39:41" is Korean time.
      time: Date.parse("2026-07-10T04:39:41.138Z"),
      received: 7,
      snapshot: false,
    }),
    IGNORED,
    refused("NO_TICKET: 티켓이 존재하지 않거나, 유효하지 않습니다."),
    refused("INVALID_PARAM: nope 은 지원하지 않는 타입입니다."),
    refused("WRONG_FORMAT: Format 이 맞지 않습니다."),
  ],
  "examples/bithumb.jsonl": [
    ticker("220.0447", {
      ...documented,
      size: "3.2529",
      low: "472500",
      baseVolume24h: "13380.57687512",
      quoteVolume24h: "8227950466.316009",
      time: Date.parse("2024-09-10T00:16:17.174Z"),
    }),
    ticker("340.7347", {
      ...documented,
      size: "4.6191",
      low: "471300",
      baseVolume24h: "13501.26687512",
      quoteVolume24h: "8286175646.064881",
      time: Date.parse("2024-09-10T00:19:42.096Z"),
    }),
  ],
};

describe.skipIf(!present)("frames recorded from Bithumb (skipped without the recordings)", () => {
  it.each(Object.keys(EXPECTED))("%s", (file) => {
    const lines = readFileSync(new URL(file, folder), "utf8").trim().split("\n");
    expect(lines.map((line) => parseFrame(JSON.parse(line).frame, 7))).toEqual(EXPECTED[file]);
  });

  it.each([
    ["KRW", 167, "BTC_KRW"],
    ["BTC", 61, "ETH_BTC"],
  ])("the older market list in %s", (quote, count, first) => {
    const file = new URL(`bithumb/cryptofeed__rest_public_ticker_ALL_${quote}__20210601.json`, folder);
    const markets = readMarkets(readFileSync(file, "utf8"));
    expect(new Set(markets.map(({ instrument }) => instrument)).size).toBe(count);
    expect(markets.every((market) => market.quote === quote)).toBe(true);
    expect(markets[0]?.nativeSymbol).toBe(first);
  });
});
