/** All exchanges at once, five thousand frames a second. The same for longer, with its figures: `npm run bench -- load`. */

import { expect, test } from "vitest";
import { runLoad } from "../bench/load.ts";
import { requireKafka } from "../local/testing.ts";

const kafka = await requireKafka();
/** What 2,000 trades of each instrument and a minute's queues can't fill, MB. */
const MEMORY = 1500;

kafka.describe("all exchanges at 5,000 frames a second", () => {
  test("nothing is lost, nothing has to be fetched, and memory is bounded", { timeout: 120_000 }, async () => {
    const { executed, lost, gaps, peakMemory } = await runLoad(20, 5000);
    expect([lost, gaps]).toEqual([0, 0]);
    expect(executed).toBeGreaterThan(20_000);
    expect(peakMemory).toBeLessThan(MEMORY);
  });
});
