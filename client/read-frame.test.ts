import { expect, test } from "vitest";
import { readServerFrame } from "./read-frame.ts";
import { TRADES, trade } from "./testing/items.ts";

test("reads a frame, and stumbles at no field that it does not know", () => {
  const text = JSON.stringify({ op: "data", data: [{ ...trade(1, 2), colour: "red" }], extra: 1 });
  expect(readServerFrame(text)).toMatchObject({ op: "data", data: [trade(1, 2)] });
});

test("an op of the future is unknown, not wrong", () => {
  expect(readServerFrame('{"op":"candles","x":[]}')).toEqual({ op: "unknown" });
});

test.each(["", "{", "null", "[]", "7", '{"data":[]}', '{"op":5}', "[object Blob]"])("%j is no frame", (text) => {
  expect(readServerFrame(text)).toMatchObject({ op: "unreadable", problem: `not a frame: ${text}` });
});

test("a known op that is malformed says where", () => {
  expect(readServerFrame('{"op":"probe","id":"x"}')).toMatchObject({
    op: "unreadable",
    problem: expect.stringMatching(/^probe: id: /),
  });
});

test("one strange item does not cost the others, and still says where it stands", () => {
  const strange = { ...trade(2, 3), gap: { cause: "flood", since: 1, until: 2, state: "open" } };
  const frame = readServerFrame(JSON.stringify({ op: "data", data: [trade(1, 2), strange, 5] }));
  expect(frame).toEqual({
    op: "partly",
    positions: {},
    items: [
      trade(1, 2),
      { at: { stream: TRADES, epoch: "a", prev: 2, seq: 3 }, problem: expect.stringMatching(/^gap.cause: /) },
      { at: undefined, problem: expect.any(String) },
    ],
  });
});
