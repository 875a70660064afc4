import { expect, it } from "vitest";
import { z } from "zod";
import { instrument } from "../../protocol/instrument.ts";
import { changesOf, checkList, marketOf } from "./markets.ts";

const [bitcoin, ether, ripple] = ["BTC", "ETH", "XRP"].map((base) =>
  marketOf(instrument("korbit", base, "KRW"), `${base}_KRW`.toLowerCase()),
);
if (!bitcoin || !ether || !ripple) throw new Error("there are three");

it("tells what is new and what is gone, in the order of their lists", () => {
  expect(changesOf([ripple, bitcoin, ether], [])).toEqual({ added: [ripple, bitcoin, ether], removed: [] });
  expect(changesOf([ripple, bitcoin], [bitcoin, ether])).toEqual({ added: [ripple], removed: [ether] });
  // A list read again holds other objects.
  expect(changesOf([{ ...bitcoin, warning: "CAUTION" }], [bitcoin])).toEqual({ added: [], removed: [] });
});

it("says null of what a list does not tell", () => {
  expect(bitcoin).toEqual({
    instrument: "korbit:BTC-KRW",
    exchange: "korbit",
    base: "BTC",
    quote: "KRW",
    nativeSymbol: "btc_krw",
    names: { ko: null, en: null },
    status: null,
    warning: null,
  });
  expect(marketOf(instrument("korbit", "BTC", "KRW"), "btc_krw", { status: "launched" }).status).toBe("launched");
});

it("names the first few fields that are wrong, and whose list it is", () => {
  const list = z.array(z.object({ code: z.string("no code") }));
  expect(checkList("Korbit", list, [{ code: "btc" }])).toEqual([{ code: "btc" }]);
  expect(() => checkList("Korbit", list, [1, {}, {}, {}])).toThrow(
    /^not a market list of Korbit: 0: .*; 1.code: no code; 2.code: no code$/,
  );
});
