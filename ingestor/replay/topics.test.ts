import type { Admin } from "kafkajs";
import { describe, expect, it } from "vitest";
import { findPrefix, partsOf } from "./topics.ts";

type Asked = Pick<Admin, "listTopics" | "fetchTopicOffsets" | "fetchTopicOffsetsByTimestamp">;

/** A Kafka with these topics, whose one partition has offsets 100 to 200, the nth logged at n minutes. */
function admin(...topics: string[]): Admin {
  const asked: Asked = {
    listTopics: async () => topics,
    fetchTopicOffsets: async () => [{ partition: 0, offset: "200", low: "100", high: "200" }],
    fetchTopicOffsetsByTimestamp: async (_topic, time = 0) => [
      { partition: 0, offset: String(Math.min(200, Math.max(100, Math.ceil(time / 60_000)))) },
    ],
  };
  return asked as Admin;
}

const any = { prefix: "", isGiven: false };

describe("the prefix", () => {
  it("is that of live prices, else that of simulated ones", async () => {
    expect(await findPrefix(admin("raw.upbit", "sim.raw.upbit"), "upbit", "raw", any)).toBe("");
    expect(await findPrefix(admin("raw.upbit", "sim.ticks.upbit"), "upbit", "ticks", any)).toBe("sim.");
    expect(await findPrefix(admin("my.sim.raw.upbit"), "upbit", "raw", { ...any, prefix: "my." })).toBe("my.sim.");
  });

  it("that is given is the only one", async () => {
    const given = { prefix: "", isGiven: true };
    await expect(findPrefix(admin("sim.raw.upbit"), "upbit", "raw", given)).rejects.toThrow(
      "there is no topic raw.upbit: there is sim.raw.upbit",
    );
    await expect(findPrefix(admin("ticks.upbit"), "upbit", "raw", any)).rejects.toThrow(
      "there is no topic raw.upbit or sim.raw.upbit: nor a similar one",
    );
  });
});

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
