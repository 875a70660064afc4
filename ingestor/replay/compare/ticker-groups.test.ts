import { expect, test } from "vitest";
import { tickerEvent } from "../test-events.ts";
import { type LoggedTicker, type RawTicker, TickerGroups } from "./ticker-groups.ts";

const raw = (nth: number, content = "x", received = 1010): RawTicker => ({
  ...{ event: tickerEvent({ received }), content, connection: "a", nth, copies: { inLog: false } },
});
const log = (seq: number, content = "x", counts = true): LoggedTicker => ({
  ...{ event: tickerEvent(), content, place: { partition: 0, seq }, counts },
});

test("equal ones find each other, the first first", () => {
  const groups = new TickerGroups();
  expect([groups.raw(raw(1), 0), groups.raw(raw(2), 0)]).toEqual([undefined, undefined]);
  expect([groups.log(log(8), 0)?.nth, groups.log(log(9), 0)?.nth]).toEqual([1, 2]);
  groups.log(log(10), 0);
  expect(groups.raw(raw(3), 0)?.place.seq).toBe(10);
  expect([...groups.takeQuietSince(1)]).toEqual([]);
});

test("others, and those of another moment, do not", () => {
  const groups = new TickerGroups();
  groups.raw(raw(1, "y"), 0);
  groups.raw(raw(2, "x", 1011), 0);
  expect(groups.log(log(8), 0)).toBeUndefined();
});

test("one that counts is taken before one that does not", () => {
  const groups = new TickerGroups();
  for (const ticker of [log(8, "x", false), log(9)]) groups.log(ticker, 0);
  expect([groups.raw(raw(1), 0)?.place.seq, groups.raw(raw(2), 0)?.place.seq]).toEqual([9, 8]);
});

test("what waits is handed over when nothing more has come for long", () => {
  const groups = new TickerGroups();
  groups.raw(raw(1), 10);
  groups.raw(raw(2, "x", 1011), 10);
  groups.log(log(8, "y"), 20);
  const quiet = (before: number) =>
    [...groups.takeQuietSince(before)].map((group) => [group.raw.length, group.log.length]);
  expect(quiet(20)).toEqual([[1, 0]]);
  expect(quiet(21)).toEqual([[1, 1]]);
  expect(quiet(30)).toEqual([]);
});
