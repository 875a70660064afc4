import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VolumeLedger, volumeUnits } from "./volume-ledger.ts";

const START = 1_790_000_000_000;
const units = (amount: number) => volumeUnits(amount.toFixed(8));

it("counts units without a float", () => {
  expect(volumeUnits("0.00000001")).toBe(10_000n);
  expect(volumeUnits("123456789012.12345678")).toBe(123_456_789_012_123_456_780_000n);
  expect(volumeUnits("5")).toBe(5_000_000_000_000n);
});

describe("a ledger of volumes", () => {
  /** Trades at these times (ms), each with its ticker, some of which never come. */
  function missed(times: readonly number[], lost: readonly number[], first = 1000): (number | undefined)[] {
    const ledger = new VolumeLedger();
    let volume = units(first);
    for (const [nth, time] of times.entries()) if (!lost.includes(nth)) ledger.add(START + time, units(nth + 1));
    return times.map((time, nth) => {
      volume += units(nth + 1);
      const since = ledger.compare({ time: START + time, volume }, false);
      return since === undefined ? undefined : since - START;
    });
  }

  it("finds nothing where every trade came", () => {
    expect(missed([0, 2000, 2100, 2200, 9000], [])).toEqual(Array(5).fill(undefined));
  });

  it("finds a trade that never came, since the last ticker that fitted, and once", () => {
    expect(missed([0, 2000, 4000, 6000, 8000], [2])).toEqual([undefined, undefined, 2000, undefined, undefined]);
    expect(missed([0, 2000, 4000, 6000], [1, 2])).toEqual([undefined, 0, 2000, undefined]);
  });

  it("finds one of a busy market when the difference has stayed for a second", () => {
    const times = Array.from({ length: 60 }, (_, n) => n * 40);
    const found = missed(times, [15]).filter((since) => since !== undefined);
    expect(found.length).toBe(1);
    expect(found[0]).toBeLessThanOrEqual(600);
  });

  it("finds one of two that are alike in everything", () => {
    const ledger = new VolumeLedger();
    ledger.compare({ time: START, volume: 0n }, false);
    ledger.add(START + 2000, 5_000_000n);
    expect(ledger.compare({ time: START + 2000, volume: 5_000_000n }, false)).toBeUndefined();
    expect(ledger.compare({ time: START + 2000, volume: 10_000_000n }, false)).toBe(START + 2000);
  });

  it("takes a fall for a new day or a window that lets go, and finds what is missing after it", () => {
    const ledger = new VolumeLedger();
    const see = (time: number, size: bigint, volume: bigint) => {
      if (size > 0n) ledger.add(START + time, size);
      return ledger.compare({ time: START + time, volume }, false);
    };
    expect([see(0, 10_000_000n, 900_000_000n), see(2000, 10_000_000n, 910_000_000n)]).toEqual([undefined, undefined]);
    expect([see(4000, 10_000_000n, 10_000_000n), see(6000, 10_000_000n, 20_000_000n)]).toEqual([undefined, undefined]);
    expect(see(8000, 0n, 30_000_000n)).toBe(START + 6000);
  });

  it("takes what is being fetched for no news, and goes on from there", () => {
    const ledger = new VolumeLedger();
    ledger.compare({ time: START, volume: 0n }, false);
    expect(ledger.compare({ time: START + 2000, volume: 10_000_000n }, true)).toBeUndefined();
    expect(ledger.compare({ time: START + 4000, volume: 10_000_000n }, false)).toBeUndefined();
    expect(ledger.compare({ time: START + 6000, volume: 20_000_000n }, false)).toBe(START + 4000);
  });

  it("takes rounding for no trade", () => {
    const ledger = new VolumeLedger();
    ledger.compare({ time: START, volume: 1_000_000_000_000_000_000n }, false);
    expect(ledger.compare({ time: START + 2000, volume: 1_000_000_000_000_040_000n }, false)).toBeUndefined();
  });

  it("counts those of long ago together, and says nothing of a ticker as old", () => {
    const ledger = new VolumeLedger();
    ledger.compare({ time: START, volume: 0n }, false);
    for (let n = 1; n <= 100; n += 1) {
      ledger.add(START + n * 1000, 10_000_000n);
      ledger.prune();
    }
    expect(ledger.compare({ time: START + 50_000, volume: 999_000_000n }, false)).toBeUndefined();
    expect(ledger.compare({ time: START + 100_000, volume: 1_000_000_000n }, false)).toBeUndefined();
    expect(ledger.compare({ time: START + 102_000, volume: 1_010_000_000n }, false)).toBe(START + 100_000);
  });

  it("takes no order that is wrong in the same way again and again for a loss", () => {
    const ledger = new VolumeLedger();
    let volume = units(100);
    ledger.add(START, units(1));
    expect(ledger.compare({ time: START, volume }, false)).toBeUndefined();
    for (let at = START + 1000; at < START + 5000; at += 600) {
      // Executed first, and dated later: the next one's ticker has it.
      ledger.add(at + 200, units(5));
      ledger.add(at, units(2));
      volume += units(7);
      expect(ledger.compare({ time: at, volume }, false)).toBeUndefined();
    }
  });

  it("never finds anything where all came, in whatever order within half a second", () => {
    const step = fc.record({
      pause: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 3000 })),
      size: fc.integer({ min: 1, max: 5 }),
      // By how much its time is behind that of its execution.
      early: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 250 })),
      told: fc.boolean(),
      leaves: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 40 })),
    });
    const run = (steps: readonly Step[]) => {
      const ledger = new VolumeLedger();
      let [now, volume] = [START, units(1_000_000)];
      const tickers = steps.map(({ pause, size, early, leaves }) => {
        now += pause;
        ledger.add(now - early, units(size));
        volume += units(size) - units(leaves);
        return { time: now - early, volume };
      });
      for (const [nth, ticker] of tickers.entries())
        if (steps[nth]?.told) expect(ledger.compare(ticker, false)).toBeUndefined();
    };
    interface Step {
      readonly pause: number;
      readonly size: number;
      readonly early: number;
      readonly told: boolean;
      readonly leaves: number;
    }
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), run), { numRuns: 3000 });
  });
});
