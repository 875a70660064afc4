import { beforeEach, expect, it } from "vitest";
import { DueRates } from "./due-rates.ts";

let rates: DueRates;

beforeEach(() => {
  rates = new DueRates();
  rates.want(["raw", "100ms", "1s"]);
});

it("owes what became due while something waited or was being gathered, until a batch has said so", () => {
  rates.tick(["100ms"], false);
  expect(rates.owed).toEqual([]);
  rates.tick(["100ms"], true);
  rates.sent(true, []);
  rates.tick(["100ms", "1s"], false);
  expect(rates.owed).toEqual(["100ms", "1s"]);
  rates.sent(false, rates.owed);
  rates.tick(["100ms", "1s"], false);
  expect(rates.owed).toEqual([]);
});

it("gathers again with every event, also for a rate that nobody was known to listen to", () => {
  rates.want([]);
  rates.sent(true, []);
  rates.tick(["1s"], false);
  expect(rates.owed).toEqual([]);
  rates.want(["1s"]);
  rates.tick(["100ms", "1s"], false);
  expect(rates.owed).toEqual(["1s"]);
});

it("owes nothing to a rate that nobody listens to any more", () => {
  rates.tick(["100ms", "1s"], true);
  rates.want(["raw", "1s"]);
  expect([rates.owed, rates.wantsRaw]).toEqual([["1s"], true]);
});
