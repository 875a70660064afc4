import { describe, expect, it } from "vitest";
import type { Rate } from "../../protocol/stream.ts";
import { PartitionView } from "./partition-view.ts";
import { resumePlan, type Wanted } from "./resume-plan.ts";

/** A partition of which `raw` has been sent up to 100, and the slower rates less far. */
function view(): PartitionView {
  const one = new PartitionView("upbit/0");
  one.begin("e", { raw: 100, "100ms": 90, "1s": 50 });
  return one;
}

function wanted(name: string, rate: Rate, from?: number): Wanted {
  const wildcard = name.includes("*");
  const full = `upbit:${name}@trade@${rate}`;
  const sources = [{ partition: "upbit/0", name: full }];
  const subscription = { name: full, channel: "trade" as const, rate, wildcard, sources, matches: 1 };
  return {
    subscription,
    requested: [full],
    from: from === undefined ? undefined : { epoch: "e", seq: from },
    had: false,
  };
}

const KNOWN = { hasSnapshot: () => true };

const plan = (existing: number | undefined, positions: Record<string, number>, ...streams: Wanted[]) =>
  resumePlan(view(), streams, positions, existing, KNOWN);

describe("resumePlan", () => {
  it("lets new wildcards begin where the furthest of their rates is: nothing before it is owed", () => {
    expect(plan(undefined, {}, wanted("*-*", "raw"), wanted("*-KRW", "1s"))).toEqual({
      told: 100,
      again: { names: [], subscriptions: [] },
    });
  });

  it("lets named streams begin with their snapshots, and tells the position of the slowest", () => {
    expect(plan(undefined, {}, wanted("BTC-KRW", "raw"), wanted("ETH-KRW", "1s"))).toMatchObject({
      told: 50,
      again: { names: [] },
    });
  });

  it("sends again what lies between the position told and where a stream is", () => {
    expect(plan(undefined, { e: 30 }, wanted("*-*", "raw"))).toMatchObject({
      told: 30,
      again: { names: ["upbit:*-*@trade@raw"] },
    });
    expect(plan(50, {}, wanted("*-*", "raw"), wanted("*-KRW", "1s"))).toMatchObject({
      told: 50,
      again: { names: ["upbit:*-*@trade@raw"] },
    });
    expect(plan(100, {}, wanted("BTC-KRW", "1s"))).toMatchObject({
      told: 50,
      again: { names: ["upbit:BTC-KRW@trade@1s"] },
    });
  });

  it("lets a named stream of which nothing is known begin where the client is told, like a wildcard", () => {
    const streams = [wanted("BTC-KRW", "raw", 30), wanted("ETH-KRW", "raw")];
    const unknown = { hasSnapshot: () => false };
    expect(resumePlan(view(), streams, {}, undefined, unknown)?.again.names).toContain("upbit:ETH-KRW@trade@raw");
    expect(resumePlan(view(), streams, {}, undefined, KNOWN)?.again.names).not.toContain("upbit:ETH-KRW@trade@raw");
  });

  it("sends nothing again to a client that is ahead", () => {
    expect(plan(undefined, { e: 95 }, wanted("*-*", "1s"))).toEqual({
      told: 95,
      again: { names: [], subscriptions: [] },
    });
  });

  it("goes by a stream's own position before `from`, and takes positions of other logs, and those too old, for none", () => {
    expect(plan(undefined, { e: 80 }, wanted("BTC-KRW", "raw", 30))).toMatchObject({ told: 30 });
    expect(plan(undefined, { f: 30 }, wanted("*-*", "raw"))).toMatchObject({ told: 100 });
    expect(resumePlan(view(), [wanted("*-*", "raw")], { e: 30 }, undefined, { ...KNOWN, oldest: 31 })).toMatchObject({
      told: 100,
    });
  });

  it("knows nothing of a partition that has not said anything, or that has none of the streams", () => {
    expect(resumePlan(new PartitionView("upbit/0"), [wanted("*-*", "raw")], {}, undefined, KNOWN)).toBeUndefined();
    expect(resumePlan(new PartitionView("upbit/1"), [wanted("*-*", "raw")], {}, undefined, KNOWN)).toBeUndefined();
  });
});
