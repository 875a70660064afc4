import { afterEach, expect, it, vi } from "vitest";
import { parseRedisTicker } from "../../protocol/redis.ts";
import { FeedEvent, makeItem } from "../streams/item.ts";
import { context, INSTRUMENT, ticker, trade } from "../testing/test-events.ts";
import { NewestTicker } from "./newest-ticker.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

it("is what storage and Redis are given, and comes back from storage as it was", () => {
  const newest = NewestTicker.of("e1", new FeedEvent(ticker(4)));
  const latest = newest?.latest("simulated");
  expect(latest).toMatchObject({ instrument: INSTRUMENT, epoch: "e1", seq: 4, source: "simulated" });
  expect(parseRedisTicker(newest?.redisText("simulated", 9) ?? "")).toEqual({ ...latest, asOf: 9 });
  const record = JSON.parse(newest?.recordText ?? "");
  expect(record).toEqual({ epoch: "e1", seq: 4, ticker: latest?.ticker, t: latest?.t });
  const stored = NewestTicker.stored(INSTRUMENT, record);
  expect([stored.latest("simulated"), stored.recordText]).toEqual([latest, newest?.recordText]);
  expect(stored.event).toMatchObject(ticker(4));
});

it("has its figures serialised once, for every item, storage and Redis", () => {
  const stringify = vi.spyOn(JSON, "stringify");
  const event = new FeedEvent(ticker(4));
  const newest = NewestTicker.of("e1", event);
  for (const key of ["ticker@raw", "ticker@100ms", "ticker@1s"] as const) makeItem(key, [event], 2, context("e1")).text;
  for (let i = 0; i < 3; i += 1) [newest?.recordText, newest?.redisText("live", i)];
  const figures = stringify.mock.calls.filter(([value]) => Object.hasOwn(Object(value), "prevClose"));
  expect(figures.length).toBe(1);
});

it("is none of a trade", () => {
  expect(NewestTicker.of("e1", new FeedEvent(trade(4)))).toBeUndefined();
});
