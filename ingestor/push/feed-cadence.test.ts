import { beforeEach, describe, expect, it } from "vitest";
import { FeedCadence } from "./feed-cadence.ts";

const IDLE = 30_000;
let progress: {
  epoch: string | null;
  waiting: number;
  waitingSince: number | undefined;
  unacked: number;
  isMuch: boolean;
};
let cadence: FeedCadence;

beforeEach(() => {
  progress = { epoch: "e-0", waiting: 0, waitingSince: undefined, unacked: 0, isMuch: false };
  cadence = new FeedCadence(IDLE, progress);
  cadence.began("e-0");
});

const waits = (since: number) => Object.assign(progress, { waiting: 1, waitingSince: since });
/** When a decision other than none is taken, and which, if each is carried out. */
const decisions = (from: number, to: number, silent = false) => {
  const taken: [number, string][] = [];
  for (let now = from; now <= to; now += 100) {
    const decision = cadence.decide(now, silent);
    if (decision === undefined) continue;
    taken.push([now, decision]);
    if (decision === "batch") Object.assign(progress, { waiting: 0, waitingSince: undefined });
    cadence.sent(now, progress.epoch ?? "", decision === "batch", cadence.owed);
  }
  return taken;
};

describe("for a feed that nobody listens to", () => {
  it("lets what waits gather for the idle time, unless it is much, or nothing comes any more", () => {
    waits(100);
    expect(decisions(100, 40_000)).toEqual([[30_100, "batch"]]);
    waits(40_100);
    progress.isMuch = true;
    expect(decisions(40_100, 40_200)).toEqual([[40_100, "batch"]]);
    progress.isMuch = false;
    waits(40_300);
    expect(decisions(40_300, 40_400, true)).toEqual([[40_300, "batch"]]);
  });

  it("tells of another log at some moment of the idle time, once", () => {
    progress.epoch = "f-0";
    cadence.epochChanged(1000);
    const [first, ...more] = decisions(1000, 100_000);
    expect([first?.[1], more]).toEqual(["batch", []]);
    expect(first?.[0]).toBeLessThanOrEqual(1000 + IDLE + 100);
  });

  it("nudges one that is dirty more and more seldom, and stops when it is clean", () => {
    cadence.acked(true);
    const taken = decisions(1000, 60_000);
    expect(taken.every(([, decision]) => decision === "nudge")).toBe(true);
    expect(taken.slice(0, 10).map(([now]) => now)).toEqual([
      1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 5500,
    ]);
    expect(taken[12]?.[0]).toBe(11_500);
    expect(taken.length).toBeLessThan(25);
    cadence.acked(false);
    expect(decisions(70_000, 100_000)).toEqual([]);
  });
});

describe("for a feed that somebody listens to", () => {
  it("sends what is due, raw on every tick, and something every five seconds", () => {
    cadence.want(["1s"]);
    cadence.sent(0, "e-0", false, []);
    waits(0);
    expect(decisions(100, 900)).toEqual([]);
    cadence.tick(["100ms", "1s"]);
    expect(decisions(1000, 7000)).toEqual([
      [1000, "batch"],
      [6000, "batch"],
    ]);
    cadence.want(["raw", "1s"]);
    waits(7100);
    expect(decisions(7100, 7300)).toEqual([[7100, "batch"]]);
  });

  it("tells of another log at once", () => {
    cadence.want(["100ms"]);
    cadence.sent(0, "e-0", false, []);
    progress.epoch = "f-0";
    cadence.epochChanged(100);
    expect(decisions(100, 1000)).toEqual([[100, "batch"]]);
  });
});
