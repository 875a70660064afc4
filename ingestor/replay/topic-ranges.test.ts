import type { Admin } from "kafkajs";
import { describe, expect, it } from "vitest";
import { partsOf } from "./topic-ranges.ts";

type Asked = Pick<Admin, "fetchTopicOffsets" | "fetchTopicOffsetsByTimestamp">;

/** A Kafka with a topic whose one partition has offsets 100 to 200, the nth logged at n minutes. */
function admin(): Admin {
  const asked: Asked = {
    fetchTopicOffsets: async () => [{ partition: 0, offset: "200", low: "100", high: "200" }],
    fetchTopicOffsetsByTimestamp: async (_topic, time = 0) => [
      { partition: 0, offset: String(Math.min(200, Math.max(100, Math.ceil(time / 60_000)))) },
    ],
  };
  return asked as Admin;
}

describe("what is read of a partition", () => {
  const minute = 60_000;

  it("is everything, cut where something has expired", async () => {
    const [part] = await partsOf(admin(), "t", Number.NEGATIVE_INFINITY, 500 * minute);
    expect(part).toEqual({ topic: "t", partition: 0, from: 100, to: 200, cut: true });
  });

  it("is a window with its margins: a minute before, ten after", async () => {
    const [part] = await partsOf(admin(), "t", 150 * minute, 160 * minute);
    expect(part).toMatchObject({ from: 149, to: 170, cut: false });
  });
});
