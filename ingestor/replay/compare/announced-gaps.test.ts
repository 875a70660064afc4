import { expect, test } from "vitest";
import { gapEvent, INSTRUMENT } from "../test-events.ts";
import { AnnouncedGaps } from "./announced-gaps.ts";

test("trades may be missing while a gap is open, and for good where it is lost", () => {
  const gaps = new AnnouncedGaps();
  const lacks = () => [999, 1000, 1500, 2000, 2001].map((time) => gaps.lacks(INSTRUMENT, time));
  expect(lacks()).toEqual([false, false, false, false, false]);
  gaps.take(gapEvent());
  expect(lacks()).toEqual([false, true, true, true, false]);
  expect(gaps.lacks("upbit:ETH-KRW", 1500)).toBe(false);
  gaps.take(gapEvent({ state: "lost", until: 1200 }));
  expect(lacks()).toEqual([false, true, false, false, false]);
  gaps.take(gapEvent({ since: 1400 }));
  gaps.take(gapEvent({ since: 1400, state: "healed" }));
  expect(lacks()).toEqual([false, true, false, false, false]);
});

test("tickers are missing where nobody collected, healed or not", () => {
  const gaps = new AnnouncedGaps();
  gaps.take(gapEvent({ state: "healed" }));
  expect(gaps.unattended(INSTRUMENT, 1500)).toBe(false);
  gaps.take(gapEvent({ cause: "collector_restart", since: 1400, state: "healed" }));
  expect([1399, 1400, 2001].map((time) => gaps.unattended(INSTRUMENT, time))).toEqual([false, true, false]);
});
