import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Bans } from "./bans.ts";

const NOW = Date.UTC(2026, 10, 25, 12);
const URL = "https://api.example.com/v1/trades";
const utc = (ms: number) => new Date(ms).toUTCString();

function heard(status: number, headers: Record<string, string>, url = URL): Bans {
  const bans = new Bans();
  bans.record(url, { status, header: (name) => headers[name] ?? null });
  return bans;
}
const seconds = (bans: Bans, url = URL) => ((bans.until(url) ?? NOW) - NOW) / 1000;

describe("bans", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ["seconds", 429, { "Retry-After": "60" }, 60],
    ["parts of a second", 429, { "Retry-After": " 0.7" }, 0.7],
    ["a moment", 418, { "Retry-After": utc(NOW + 90_000) }, 90],
    ["a moment on the exchange's clock", 503, { "Retry-After": utc(NOW), Date: utc(NOW - 40_000) }, 40],
    ["a moment, with a date that is none", 503, { "Retry-After": utc(NOW + 7000), Date: "today" }, 7],
    ["nothing, asked too often", 429, {}, 5],
    ["nothing, banned", 418, {}, 30],
    ["nonsense, asked too often", 429, { "Retry-After": "in 5 minutes" }, 5],
    ["a moment that is over", 429, { "Retry-After": utc(NOW - 5000) }, 5],
    ["more than anybody bans for", 418, { "Retry-After": "99999999999999" }, 3 * 86_400],
    ["when it is in maintenance", 503, { "Retry-After": "120" }, 120],
    ["nothing, in maintenance", 503, {}, 0],
    ["nonsense, in maintenance", 500, { "Retry-After": "-1" }, 0],
  ])("last as long as is said: %s", (_what, status, headers, expected) => {
    expect(seconds(heard(status, headers as Record<string, string>))).toBe(expected);
  });

  it("hold for a whole host, and for no other", () => {
    const bans = heard(429, { "Retry-After": "60" });
    expect(seconds(bans, "wss://api.example.com:9443/stream")).toBe(60);
    expect(seconds(bans, "https://www.example.com/")).toBe(0);
  });

  it("are not made shorter by a later one, and are over in the end", () => {
    const bans = heard(429, { "Retry-After": "60" });
    bans.record(URL, { status: 429, header: () => "1" });
    expect(seconds(bans)).toBe(60);
    vi.setSystemTime(NOW + 60_000);
    expect(bans.until(URL)).toBeUndefined();
  });

  it("are waited for, even those that come meanwhile", async () => {
    vi.useRealTimers();
    const bans = heard(429, { "Retry-After": "0.1" });
    const waiting = bans.waitUntilOver(URL, new AbortController().signal);
    const until = Date.now() + 250;
    bans.record(URL, { status: 429, header: () => "0.25" });
    await waiting;
    expect(Date.now()).toBeGreaterThanOrEqual(until);
    expect(bans.until(URL)).toBeUndefined();
  });

  it("are not waited for by who is stopped", async () => {
    const stop = new AbortController();
    const waiting = expect(heard(429, { "Retry-After": "60" }).waitUntilOver(URL, stop.signal)).rejects.toThrow(
      "abort",
    );
    stop.abort();
    await waiting;
  });
});
