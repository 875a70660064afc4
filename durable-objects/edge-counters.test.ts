import { expect, it } from "vitest";
import { EdgeCounters, NOTHING_TOLD } from "./edge-counters.ts";

it("says what has moved since its last word, once, and nothing where nothing has", () => {
  const gauges = { clients: 0, streams: 0 };
  const counters = new EdgeCounters(() => gauges);
  expect(counters.take()).toBeUndefined();
  counters.frames += 2;
  counters.bytes += 100;
  counters.items += 5;
  counters.folded += 1;
  counters.resumed("recovered");
  counters.closed("left");
  counters.closed("left");
  expect(counters.take()).toEqual({
    ...{ clients: 0, streams: 0, frames: 2, bytes: 100, items: 5, folded: 1 },
    ...{ resumes: { recovered: 1 }, closes: { left: 2 } },
  });
  expect(counters.take()).toBeUndefined();
  counters.closed("silent");
  expect(counters.take()).toMatchObject({ frames: 0, items: 0, resumes: {}, closes: { silent: 1 } });
});

it("says what there is now when that has changed, and to a new listener", () => {
  const gauges = { clients: 3, streams: 4 };
  const counters = new EdgeCounters(() => gauges);
  expect(counters.take()).toMatchObject(gauges);
  expect(counters.take()).toBeUndefined();
  gauges.streams = 5;
  expect(counters.take()).toMatchObject({ clients: 3, streams: 5 });
  counters.goOnFrom(NOTHING_TOLD);
  expect(counters.take()).toMatchObject({ clients: 3, streams: 5, frames: 0 });
});
