import { expect, it } from "vitest";
import { LIVE } from "../testing/test-events.ts";
import { RelayStatus } from "./relay-status.ts";

const asOf = (time: number) => ({ ...LIVE, asOf: time });

it("is told when it changes, and a newer time every five seconds", () => {
  const status = new RelayStatus();
  expect(status.put(asOf(10), 1000)).toBe(true);
  expect(status.put(asOf(20), 5999)).toBe(false);
  expect(status.put(asOf(10), 6000)).toBe(false);
  expect(status.put(asOf(30), 6000)).toBe(true);
  expect(status.put({ ...asOf(30), state: "stale" }, 6001)).toBe(true);
  expect(status.put(asOf(29), 6002)).toBe(true);
  expect(status.current).toEqual(asOf(29));
});

it("says once that nobody brings ticks any more, where that is news", () => {
  const status = new RelayStatus();
  expect(status.publisherGone(1)).toBe(false);
  status.put(asOf(10), 1000);
  expect(status.publisherGone(2000)).toBe(true);
  expect(status.current).toMatchObject({ state: "down", since: 2000, asOf: 10 });
  expect(status.publisherGone(3000)).toBe(false);
});

it("is told anew after a time in which nobody listened", () => {
  const status = new RelayStatus();
  status.put(asOf(10), 1000);
  status.forget();
  expect(status.current).toBeUndefined();
  expect(status.put(asOf(10), 1001)).toBe(true);
});
