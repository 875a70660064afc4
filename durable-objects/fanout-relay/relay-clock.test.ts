import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RelayClock } from "./relay-clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function newClock() {
  const calls: string[] = [];
  const call = (name: string) => () => {
    calls.push(name);
  };
  const state = { gathering: false, isNeeded: true };
  const core = {
    get gathering() {
      return state.gathering;
    },
    endSlot: call("slot"),
    settle: call("settle"),
    tellPositions: call("positions"),
    tellStatus: call("status"),
  };
  const setAlarm = vi.fn(() => Promise.resolve());
  const pool = { dropSlow: call("slow"), dropSilent: call("silent") };
  const clock = new RelayClock(
    { setAlarm },
    { core, pool, isNeeded: () => state.isNeeded, refreshMarkets: call("markets") },
  );
  const count = (name: string) => calls.filter((one) => one === name).length;
  return { clock, state, count, setAlarm };
}

it("ends a slot 20 ms after something was gathered, and one for all that is gathered meanwhile", () => {
  const { clock, state, count } = newClock();
  clock.gather();
  vi.advanceTimersByTime(100);
  expect(count("slot")).toBe(0);
  state.gathering = true;
  clock.gather();
  vi.advanceTimersByTime(10);
  clock.gather();
  vi.advanceTimersByTime(10);
  expect(count("slot")).toBe(1);
  vi.advanceTimersByTime(100);
  expect(count("slot")).toBe(1);
});

it("tells positions within 5 s and status within 15 s, and looks after clients, while it is needed", () => {
  const { clock, state, count, setAlarm } = newClock();
  clock.start();
  clock.start();
  vi.advanceTimersByTime(5000);
  expect([count("settle"), count("slow"), count("silent"), count("positions")]).toEqual([5, 5, 5, 1]);
  vi.advanceTimersByTime(10_000);
  expect([count("positions"), count("status"), count("markets")]).toEqual([3, 1, 7]);
  expect(setAlarm).toHaveBeenCalledTimes(1);
  clock.onAlarm();
  expect(setAlarm).toHaveBeenCalledTimes(2);
  state.isNeeded = false;
  vi.advanceTimersByTime(10_000);
  expect(count("settle")).toBe(15);
  // The registry is asked once more, since what was counted is told with the question.
  expect(count("markets")).toBe(8);
  clock.onAlarm();
  expect(setAlarm).toHaveBeenCalledTimes(2);
  state.isNeeded = true;
  clock.start();
  vi.advanceTimersByTime(1000);
  expect(count("settle")).toBe(16);
});
