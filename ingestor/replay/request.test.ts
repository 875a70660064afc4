import { describe, expect, it } from "vitest";
import { readTarget, readTime, readTimes, UsageError } from "./request.ts";

describe("what is read again", () => {
  it("is a topic, of which the prefix may be left out", () => {
    const topic = { kind: "topic", exchange: "upbit" };
    expect(readTarget("raw.upbit", undefined, undefined)).toEqual({ ...topic, prefix: undefined });
    expect(readTarget("my.sim.raw.upbit", undefined, undefined)).toEqual({ ...topic, prefix: "my.sim." });
    expect(readTarget("raw.upbit", undefined, "")).toEqual({ ...topic, prefix: "" });
  });

  it("is a file where the exchange is named", () => {
    const file = { kind: "file", exchange: "upbit", prefix: "sim.", path: "raw.upbit" };
    expect(readTarget("raw.upbit", "upbit", "sim.")).toEqual(file);
  });

  it.each([
    ["frames.jsonl", undefined, /^"frames.jsonl" is no topic: raw.upbit.*--exchange/],
    ["ticks.upbit", undefined, /is no topic/],
    ["", undefined, /is no topic/],
    ["sim.raw.upbit", "live.", /^--prefix: the topic has its own already, sim\.$/],
  ])("%s: says what is wrong", (argument, prefix, message) => {
    expect(() => readTarget(argument, undefined, prefix)).toThrow(UsageError);
    expect(() => readTarget(argument, undefined, prefix)).toThrow(message);
  });
});

describe("a time", () => {
  it.each([
    ["1793523600000", 1793523600000],
    ["2026-11-01T09:00:00Z", 1793523600000],
    ["2026-11-01T18:00:00+09:00", 1793523600000],
    ["2026-11-01T09:00:00.5", 1793523600500],
    ["2026-11-01T09:00", 1793523600000],
    ["2026-11-01", 1793491200000],
  ])("%s", (text, time) => {
    expect(readTime(text, "--from")).toBe(time);
  });

  it.each(["noon", "", "1793523600", "2026-13-01", "01/11/2026", "-5"])("is not: %s", (text) => {
    expect(() => readTime(text, "--from")).toThrow(UsageError);
    expect(() => readTime(text, "--from")).toThrow(/^--from: .* is no time: ISO 8601/);
  });

  it("to end with is later than the one to begin with", () => {
    expect(readTimes(undefined, undefined)).toEqual({});
    expect(readTimes("2026-11-01", "2026-11-02")).toEqual({ from: 1793491200000, to: 1793577600000 });
    expect(() => readTimes("2026-11-01", "2026-11-01")).toThrow("--to: it must be later than --from");
  });
});
