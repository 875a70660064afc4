import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readMarkets } from "./feed.ts";
import { parseFrame } from "./parse.ts";

const shared = new URL("../../../../shared/recordings/", import.meta.url);
const recorded = new URL("korbit/quoted_captures__ws_v2__ticker_trade_control__20260923.jsonl", shared);
const examples = new URL("examples/korbit.jsonl", shared);
const row = new URL("korbit/quoted_captures__rest_currencyPairs_row__20260923.jsonl", shared);
const present = [recorded, examples, row].every((file) => existsSync(file));

function framesOf(file: URL): string[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => String(JSON.parse(line).frame));
}

const IGNORED = { kind: "ignored" };
const refused = (message: string) => ({ kind: "refused", message });
const events = (event: object) => ({ kind: "events", events: [event] });
const ticker = (volume: string, event: { readonly instrument: string }) => ({
  ...events(event),
  volumes: new Map([[event.instrument, volume]]),
});
const SAME = { type: "ticker", size: null, side: null, window: "24h", status: null, received: 7 };

// Written down from the frames, by hand.
const RECORDED = [
  ticker("39.25266763", {
    ...SAME,
    instrument: "korbit:BTC-KRW",
    ...{ price: "116463000", open: "115370000", high: "116765000", low: "114412000", prevClose: "115304000" },
    ...{ change: "1159000", changePct: "1.01", baseVolume24h: "39.25266763", quoteVolume24h: "4549864965.49708" },
    ...{ bid: "116426000", ask: "116477000", time: 1790134282264 },
  }),
  events({
    ...{ type: "trade", instrument: "korbit:BTC-KRW", id: "25441720", price: "116439000", size: "0.0067" },
    ...{ side: "sell", time: 1790134317520, received: 7, snapshot: true },
  }),
  { kind: "accepted", request: "1" },
  refused("INVALID_SYMBOL: The symbol does not exist (nope_krw)"),
  refused("invalid_format"),
];

const EXAMPLES = [
  ticker("0.89102242", {
    ...SAME,
    instrument: "korbit:BTC-KRW",
    ...{ price: "100650000", open: "100500000", high: "100651000", low: "100492000", prevClose: "100497000" },
    ...{ change: "153000", changePct: "0.15", baseVolume24h: "0.89102242", quoteVolume24h: "89632429.21566" },
    ...{ bid: "100650000", ask: "100651000", time: 1730356819663 },
  }),
  ticker("0.1702132", {
    ...SAME,
    instrument: "korbit:ETH-KRW",
    ...{ price: "4357000", open: "4390000", high: "4390000", low: "4357000", prevClose: "4456000" },
    ...{ change: "-99000", changePct: "-2.22", baseVolume24h: "0.1702132", quoteVolume24h: "744416.83456" },
    ...{ bid: "4324000", ask: "4357000", time: 1730361789775 },
  }),
  ticker("0.81866504", {
    ...SAME,
    instrument: "korbit:BTC-KRW",
    ...{ price: "100650000", open: "100501000", high: "100651000", low: "100501000", prevClose: "100492000" },
    ...{ change: "158000", changePct: "0.16", baseVolume24h: "0.81866504", quoteVolume24h: "82360867.25161" },
    ...{ bid: "100650000", ask: "100651000", time: 1730356819663 },
  }),
  events({
    ...{ type: "trade", instrument: "korbit:BTC-KRW", id: "123456", price: "98909000", size: "0.00146702" },
    ...{ side: "buy", time: 1700000001239, received: 7, snapshot: true },
  }),
  IGNORED,
  refused("INVALID_SYMBOL: The symbol does not exist (eth_btc)"),
];

describe.skipIf(!present)("frames recorded from Korbit, and its examples (skipped without the recordings)", () => {
  it.each([
    ["recorded", recorded, RECORDED],
    ["the documentation's examples", examples, EXAMPLES],
  ])("%s: every frame field by field", (_, file, expected) => {
    expect(framesOf(file).map((frame) => parseFrame(frame, 7))).toEqual(expected);
  });

  it("has a change that is close − prevClose, not the other way round", () => {
    const tickers = [recorded, examples].flatMap(framesOf).filter((frame) => frame.includes('"ticker"'));
    expect(tickers).toHaveLength(4);
    for (const { data } of tickers.map((frame) => JSON.parse(frame)))
      expect(Number(data.priceChange)).toBe(Number(data.close) - Number(data.prevClose));
  });

  it("gives the recorded market", () => {
    expect(readMarkets(`{"success":true,"data":[${framesOf(row).join(",")}]}`)).toEqual([
      {
        ...{ instrument: "korbit:BTC-KRW", exchange: "korbit", base: "BTC", quote: "KRW", nativeSymbol: "btc_krw" },
        ...{ names: { ko: null, en: null }, status: "launched", warning: null },
      },
    ]);
  });
});
