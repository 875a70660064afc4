import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Authority, admit, type RecordOrigin } from "./log-record.ts";

const marker = (term: number, incarnation = "a"): RecordOrigin => ({ kind: "marker", incarnation, term });
const event = (term: number, incarnation = "a"): RecordOrigin => ({ kind: "event", incarnation, term });

interface Reading {
  /** Offsets of the records that count. */
  readonly counted: number[];
  readonly authority: Authority | null;
}

/** Reads `log` (which begins at offset `start`) from `from` on. */
function read(log: readonly RecordOrigin[], from = 0, known: Authority | null = null, start = 0): Reading {
  const counted: number[] = [];
  let authority = known;
  for (const [index, record] of log.entries()) {
    const offset = start + index;
    if (offset < from) continue;
    const admission = admit(authority, record, offset, from);
    authority = admission.authority;
    if (admission.counts) counted.push(offset);
  }
  return { counted, authority };
}

describe("a log read from its beginning", () => {
  it("counts the events of the term that its marker opened", () => {
    expect(read([marker(1), marker(1), event(1), event(1)])).toEqual({
      counted: [2, 3],
      authority: { incarnation: "a", term: 1 },
    });
  });

  it("has nothing before its first marker", () => {
    expect(read([event(1, "old"), event(1), marker(1), event(1)]).counted).toEqual([3]);
    expect(read([event(1)])).toEqual({ counted: [], authority: null });
  });

  it("voids lower terms after a marker, and markers of lower terms with them", () => {
    expect(read([marker(1), event(1), marker(3), event(1), event(3), marker(2), event(2), event(3)]).counted).toEqual([
      1, 4, 7,
    ]);
  });

  it("goes over to another incarnation by its marker only", () => {
    expect(read([marker(5), event(5), event(1, "b"), marker(1, "b"), event(5), event(1, "b")])).toEqual({
      counted: [1, 5],
      authority: { incarnation: "b", term: 1 },
    });
  });
});

describe("a log whose beginning has expired", () => {
  it("is taken at its first record's word", () => {
    expect(read([event(4), event(4), marker(5), event(4), event(5)], 90, null, 90).counted).toEqual([90, 91, 94]);
  });

  it("is not lost when that word was void", () => {
    expect(read([event(4), event(5), event(4), event(5)], 90, null, 90).counted).toEqual([90, 91, 93]);
  });
});

const origin = fc.record({
  kind: fc.constantFrom("marker" as const, "event" as const, "event" as const),
  incarnation: fc.constantFrom("a", "b"),
  term: fc.integer({ min: 1, max: 3 }),
});

it("a reader that resumes with its stored authority agrees with one that reads everything", () => {
  fc.assert(
    fc.property(fc.array(origin, { maxLength: 30 }), fc.nat(30), (log, stop) => {
      const whole = read(log);
      const before = read(log.slice(0, stop));
      // Whoever has met no marker has stored nothing, and begins again.
      const after = before.authority === null ? read(log) : read(log, stop, before.authority);
      expect([...before.counted, ...after.counted]).toEqual(whole.counted);
      expect(after.authority).toEqual(whole.authority);
    }),
  );
});

it("within an incarnation the term that counts never falls", () => {
  fc.assert(
    fc.property(fc.array(origin.map((record) => ({ ...record, incarnation: "a" }))), (log) => {
      const terms = read(log).counted.map((offset) => log[offset]?.term ?? 0);
      expect(terms).toEqual(terms.toSorted((x, y) => x - y));
    }),
  );
});
