import type { Admin } from "kafkajs";
import { describe, expect, it } from "vitest";
import { findPrefix } from "./with-kafka.ts";

/** A Kafka with these topics. */
function admin(...topics: string[]): Admin {
  const asked: Pick<Admin, "listTopics"> = { listTopics: async () => topics };
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
