import { expect, it, vi } from "vitest";
import { figures, INSTRUMENT } from "../testing/test-events.ts";
import { NewestTicker } from "./newest-ticker.ts";
import { RedisWriter } from "./redis-writer.ts";

const T = { exchange: 1, received: 1, logged: 1 };
const LATEST = NewestTicker.stored(INSTRUMENT, { epoch: "e1", seq: 4, ticker: figures("1", 1), t: T });
// Port 9 (discard) is one that nobody serves.
const UNREACHABLE = { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9", UPSTASH_REDIS_REST_TOKEN: "t" };

it.each([{}, { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" }])("does nothing without Redis", (settings) => {
  const writer = new RedisWriter(settings, INSTRUMENT);
  writer.write(LATEST, "live", 1, 5000, true);
  expect([writer.owes(LATEST, true), writer.failure]).toEqual([false, undefined]);
});

it("owes nothing while there is nothing", () => {
  expect(new RedisWriter(UNREACHABLE, INSTRUMENT).owes(null, true)).toBe(false);
});

it("says why it failed and goes on owing, a try a second at most", async () => {
  const writer = new RedisWriter(UNREACHABLE, INSTRUMENT);
  expect(writer.owes(LATEST, true)).toBe(true);
  writer.write(LATEST, "live", 1, 5000, true);
  await vi.waitFor(() => expect(writer.failure).toBeTypeOf("string"), { timeout: 10_000 });
  expect(writer.owes(LATEST, true)).toBe(true);
});

it("writes only what is listened to, where that is the setting", () => {
  const writer = new RedisWriter({ ...UNREACHABLE, REDIS_WRITES: "listened" }, INSTRUMENT);
  expect([writer.owes(LATEST, false), writer.owes(LATEST, true)]).toEqual([false, true]);
});
