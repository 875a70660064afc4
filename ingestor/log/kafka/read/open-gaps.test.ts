import { expect, test } from "vitest";
import type { GapEvent } from "../../../../protocol/events.ts";
import { OpenGaps } from "./open-gaps.ts";

const gap = (instrument: string, since: number, state: GapEvent["state"], until = since + 1): GapEvent => {
  return { type: "gap", instrument, cause: "exchange_disconnect", since, until, state, received: null };
};

test("a partition is being backfilled from its own first open gap on, and no longer than there is one", () => {
  const gaps = new OpenGaps();
  gaps.note(0, gap("upbit:A-KRW", 100, "open"));
  gaps.note(0, gap("upbit:B-KRW", 200, "open"));
  gaps.note(1, gap("upbit:C-KRW", 300, "open"));
  expect([0, 1, 2].map((partition) => gaps.healing(partition, 100))).toEqual([100, 300, undefined]);
  gaps.note(0, gap("upbit:A-KRW", 100, "open", 500));
  gaps.note(0, gap("upbit:A-KRW", 100, "lost", 150));
  expect(gaps.healing(0, 200)).toBe(200);
  gaps.note(0, gap("upbit:B-KRW", 200, "healed"));
  expect(gaps.healing(0, 300)).toBeUndefined();
});

test("one that nobody fetches does not count by itself, and never further back than what is fetched", () => {
  const gaps = new OpenGaps();
  gaps.note(0, { ...gap("upbit:A-KRW", 100, "open"), cause: "not_collected" });
  expect([gaps.healing(0, undefined), gaps.healing(0, 5000)]).toEqual([undefined, 5000]);
});

test("a partition that is still to be read counts as being backfilled from there on, whatever else is", () => {
  const gaps = new OpenGaps();
  gaps.expect(0, 100);
  expect([gaps.healing(0, undefined), gaps.healing(0, 500), gaps.healing(1, 500)]).toEqual([100, 100, undefined]);
  gaps.note(0, gap("upbit:A-KRW", 300, "open"));
  gaps.settle(0);
  expect(gaps.healing(0, 300)).toBe(300);
});
