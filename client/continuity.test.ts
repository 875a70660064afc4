import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DataItem } from "../protocol/frames.ts";
import { Continuity } from "./continuity.ts";

type Judged = Pick<DataItem, "epoch" | "prev" | "seq" | "snapshot">;
const item = (prev: number, seq: number, epoch = "a"): Judged => ({ epoch, prev, seq });
const snapshot = (seq: number, epoch = "a"): Judged => ({ epoch, prev: 0, seq, snapshot: true });

function actions(continuity: Continuity, ...items: Judged[]): string[] {
  return items.map((one) => continuity.judge(one));
}

describe("a log", () => {
  test("begins with whatever comes first", () => {
    const continuity = new Continuity();
    expect(continuity.position).toBeUndefined();
    expect(continuity.judge(item(3, 7))).toBe("deliver");
    expect(continuity.position).toEqual({ epoch: "a", seq: 7 });
  });

  test("goes on item by item, and passes over what it has seen", () => {
    const seen = actions(new Continuity(), snapshot(5), item(5, 7), item(5, 7), snapshot(5), item(7, 8), snapshot(8));
    expect(seen).toEqual(["deliver", "deliver", "skip", "skip", "deliver", "skip"]);
  });

  test("notices what is left out, and what overlaps, and stays where it was", () => {
    const continuity = new Continuity({ epoch: "a", seq: 5 });
    expect(actions(continuity, item(6, 7), item(4, 7), item(6, 7))).toEqual(["resume", "resume", "resume"]);
    expect(continuity.position).toEqual({ epoch: "a", seq: 5 });
    expect(continuity.judge(item(5, 6))).toBe("deliver");
  });

  test("does not skip anything with an unannounced snapshot", () => {
    const continuity = new Continuity({ epoch: "a", seq: 5 });
    continuity.answered({ epoch: "a", seq: 5, recovered: true });
    expect(continuity.judge(snapshot(9))).toBe("resume");
    continuity.answered({ epoch: "a", seq: 9, recovered: false });
    expect(actions(continuity, snapshot(9), item(9, 10), snapshot(12))).toEqual(["deliver", "deliver", "resume"]);
  });

  test("a snapshot leads into a new epoch, nothing else does", () => {
    const continuity = new Continuity({ epoch: "a", seq: 500 });
    expect(actions(continuity, item(3, 4, "b"), snapshot(3, "b"), item(3, 4, "b"))).toEqual([
      "resume",
      "deliver",
      "deliver",
    ]);
    expect(actions(continuity, snapshot(500), item(500, 501))).toEqual(["deliver", "deliver"]);
  });

  test("an answer without recovery says from where it goes on", () => {
    const continuity = new Continuity({ epoch: "a", seq: 500 });
    continuity.answered({ epoch: "b", seq: 0, recovered: false });
    expect(continuity.position).toEqual({ epoch: "b", seq: 0 });
    expect(actions(continuity, item(0, 2, "b"), item(2, 3, "b"))).toEqual(["deliver", "deliver"]);
  });

  test("an answer that knows no epoch changes nothing", () => {
    const continuity = new Continuity();
    continuity.answered({ seq: 0 });
    expect(continuity.position).toBeUndefined();
    expect(continuity.judge(item(0, 4))).toBe("deliver");
  });
});

describe("a state", () => {
  test("takes any newer snapshot, and the one that it has only once", () => {
    const continuity = new Continuity({ epoch: "a", seq: 5 }, "state");
    continuity.answered({ epoch: "a", seq: 4, recovered: true });
    expect(actions(continuity, snapshot(4), item(4, 6))).toEqual(["deliver", "deliver"]);
    continuity.answered({ epoch: "a", seq: 6, recovered: true });
    expect(actions(continuity, snapshot(6), snapshot(9), item(9, 11))).toEqual(["skip", "deliver", "deliver"]);
  });
});

describe("whatever comes between", () => {
  const log = fc
    .uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 40 })
    .map((seqs) => seqs.sort((a, b) => a - b).map((seq, i, all) => item(all[i - 1] ?? 0, seq)));

  test("repeats and resends are delivered once, in order", () => {
    fc.assert(
      fc.property(log, fc.array(fc.nat({ max: 39 }), { maxLength: 40 }), (items, resends) => {
        const continuity = new Continuity({ epoch: "a", seq: 0 });
        const delivered: number[] = [];
        const offer = (one: Judged) => {
          const action = continuity.judge(one);
          if (action === "deliver") delivered.push(one.seq);
          return action;
        };
        items.forEach((one, i) => {
          expect(offer(one)).toBe("deliver");
          // The server sends again from some earlier item on.
          const from = resends[i] ?? i;
          for (const again of items.slice(Math.min(from, i), i + 1)) expect(offer(again)).toBe("skip");
        });
        expect(delivered).toEqual(items.map(({ seq }) => seq));
      }),
    );
  });

  test("what is left out is noticed with the very next item, and comes with the resend", () => {
    fc.assert(
      fc.property(log, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (items, lost) => {
        const continuity = new Continuity({ epoch: "a", seq: 0 });
        const delivered: number[] = [];
        let behind = false;
        for (const [i, one] of items.entries()) {
          if (lost[i]) {
            behind = true;
            continue;
          }
          const action = continuity.judge(one);
          expect(action).toBe(behind ? "resume" : "deliver");
          if (action === "deliver") delivered.push(one.seq);
          const after = continuity.position?.seq ?? 0;
          if (behind) for (const again of items.slice(0, i + 1)) if (again.seq > after) delivered.push(deliver(again));
          behind = false;
        }
        expect(delivered).toEqual(items.map(({ seq }) => seq).slice(0, delivered.length));

        function deliver(one: Judged): number {
          expect(continuity.judge(one)).toBe("deliver");
          return one.seq;
        }
      }),
    );
  });
});
