import { describe, expect, it } from "vitest";
import { tickerEvent, tradeEvent } from "../test-events.ts";
import { Differences, fieldsThatDiffer } from "./differences.ts";

describe("differences", () => {
  it("are counted by kind, and the first 20 kept", () => {
    const differences = new Differences();
    for (let id = 0; id < 25; id++) differences.add({ difference: "not in the log", raw: tradeEvent({ id: `${id}` }) });
    differences.add({ difference: "out of order", place: { partition: 0, seq: 1 }, log: tickerEvent() });
    differences.add({ difference: "unreadable in the log", place: { partition: 0, seq: 2 } });
    expect(differences.total).toBe(27);
    expect([...differences.counts]).toEqual([
      ["trade not in the log", 25],
      ["ticker out of order", 1],
      ["record unreadable in the log", 1],
    ]);
    expect(differences.shown).toHaveLength(20);
  });

  it("that are none are counted by their excuse", () => {
    const differences = new Differences();
    differences.excuse("executed before the window");
    differences.excuse("executed before the window");
    expect([...differences.excused]).toEqual([["executed before the window", 2]]);
    expect(differences.total).toBe(0);
  });
});

describe("fields that differ", () => {
  it("are named with both values, in whatever order they stand", () => {
    expect(fieldsThatDiffer({ a: 1, b: null, c: "x" }, { c: "y", a: 1, b: 0 })).toEqual({
      b: { log: null, raw: 0 },
      c: { log: "x", raw: "y" },
    });
  });

  it("may be there on one side alone, or be passed over", () => {
    expect(fieldsThatDiffer({ a: 1, late: true }, { a: 2 }, ["a"])).toEqual({ late: { log: true, raw: undefined } });
  });
});
