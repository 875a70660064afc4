/** The shapes checked by hand accept and refuse just what the schemas of the protocol do. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { multiServerFrame } from "../protocol/multi-stream-frames.ts";
import { FRAMES } from "./frame-shapes.ts";
import { isObject } from "./shape.ts";
import { ticker, trade, tradeSnapshot } from "./testing/items.ts";

const gap = { cause: "log_expired", since: 0, until: 5, state: "lost" };
const [item = {}] = [trade(1, 2, { source: "simulated" })];
const error = { code: "x", message: "y", retryable: true };
const EXAMPLES: Record<string, unknown>[] = [
  { op: "data", data: [item, tradeSnapshot(3), { ...item, gap }], positions: { "a-0": 5 } },
  { op: "data", data: [ticker(1, 2, { range: { low: "1", high: "2" } })] },
  {
    op: "subscribed",
    id: "one",
    streams: [
      { requested: "r", stream: "s", epoch: "a", seq: 1, recovered: false, reason: "too_old" },
      { requested: "r", stream: "s", matches: 2, recovered: { a: true, b: "epoch_changed" } },
    ],
    failed: [{ requested: "r", error }],
    positions: { a: 1 },
  },
  { op: "ended", instruments: ["upbit:A-KRW"], error },
  { op: "status", exchange: "upbit", state: "live", source: "replay", since: 1, asOf: null, detail: "d" },
  { op: "probe", id: -1 },
  { op: "reconnect", within: 5, reason: "deploy" },
  { op: "error", id: 1, ...error },
];
const ODD = [
  undefined,
  null,
  -1,
  0,
  1,
  1.5,
  2 ** 53,
  "",
  "x",
  "01",
  "1.0",
  "1e5",
  "-5.25",
  "a".repeat(65),
  true,
  false,
  [],
  {},
  "live",
  "buy",
];

/** Every place in a value: a field or an element, by its path. */
function places(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  const inside = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [...(path.length > 0 ? [path] : []), ...inside.flatMap(([name, one]) => places(one, [...path, name]))];
}

function changed(value: unknown, [name, ...rest]: readonly string[], to: unknown): unknown {
  if (name === undefined) return to;
  if (Array.isArray(value)) return value.map((one, i) => (String(i) === name ? changed(one, rest, to) : one));
  return isObject(value) ? { ...value, [name]: changed(value[name], rest, to) } : value;
}

function accepts(json: Record<string, unknown>): boolean {
  const known = Object.entries(FRAMES).find(([op]) => op === json["op"]);
  return known?.[1].problem(json) === undefined;
}

test("every example is a frame to both", () => {
  for (const frame of EXAMPLES) {
    expect(multiServerFrame.safeParse(frame).success, JSON.stringify(frame)).toBe(true);
    expect(accepts(frame), JSON.stringify(frame)).toBe(true);
  }
});

test("any field changed to anything, or left out, both say the same of it", () => {
  let refused = 0;
  const change = fc.record({ at: fc.nat(), to: fc.oneof(fc.constantFrom(...ODD), fc.jsonValue()) });
  fc.assert(
    fc.property(fc.constantFrom(...EXAMPLES), fc.array(change, { minLength: 1, maxLength: 2 }), (example, changes) => {
      const paths = places(example).filter(([first]) => first !== "op");
      const frame = changes.reduce<unknown>(
        (one, { at, to }) => changed(one, paths[at % paths.length] ?? [], to),
        example,
      );
      const json: unknown = JSON.parse(JSON.stringify(frame));
      if (!isObject(json)) return;
      const isFrame = multiServerFrame.safeParse(json).success;
      expect(accepts(json), JSON.stringify(json)).toBe(isFrame);
      if (!isFrame) refused += 1;
    }),
    { numRuns: 5000 },
  );
  expect(refused).toBeGreaterThan(1000);
});
