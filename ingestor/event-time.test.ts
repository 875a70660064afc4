import { expect, it } from "vitest";
import { boundedTime, CLOCK_LEAD, isDatedAhead, reliedTime } from "./event-time.ts";

it.each([
  ["of the past", -1000, -1000, -1000, false],
  ["of a clock that is a little ahead", 300, 0, 300, false],
  ["dated an hour ahead", 3_600_000, 0, CLOCK_LEAD, true],
])("relies on no time past the receipt of an event %s", (_what, after, relied, bounded, ahead) => {
  const received = 1_790_000_000_000;
  const event = { time: received + after, received };
  expect([reliedTime(event) - received, boundedTime(event) - received]).toEqual([relied, bounded]);
  expect(isDatedAhead(event)).toBe(ahead);
});

it("takes the time of an event that does not say when it was received", () => {
  const event = { time: 5, received: null };
  expect([reliedTime(event), boundedTime(event), isDatedAhead(event)]).toEqual([5, 5, false]);
});
