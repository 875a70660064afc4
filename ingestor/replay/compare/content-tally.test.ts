import { expect, test } from "vitest";
import { tradeEvent } from "../test-events.ts";
import { ContentTally } from "./content-tally.ts";

const trade = tradeEvent();

test("a trade that the socket brought and the history told stands in the log once", () => {
  const tally = new ContentTally();
  tally.add(trade, "socket");
  tally.add({ ...trade, id: "h1" }, "history");
  expect(tally.hasAll(trade)).toBe(false);
  tally.add(trade, "log");
  expect(tally.hasAll(trade)).toBe(true);
});

test("two that are alike stand there twice", () => {
  const tally = new ContentTally();
  tally.add(trade, "socket");
  tally.add({ ...trade, id: "h1" }, "history");
  const content = tally.add({ ...trade, id: "h2" }, "history");
  tally.add(trade, "log");
  expect(tally.hasAll(trade)).toBe(false);
  tally.takeOff(content, "history");
  expect(tally.hasAll(trade)).toBe(true);
  expect(tally.hasAll({ ...trade, price: "101" })).toBe(true);
});
