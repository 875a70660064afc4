import { expect, it } from "vitest";
import { ticksFrame } from "../../protocol/ingest.ts";
import { encodeBatch } from "./batch.ts";

const status = { state: "live", source: "live", since: 1 } as const;

it.each([
  [[]],
  [
    [
      { seq: 5, logged: 1, text: '{"seq":5,"logged":1,"event":{"type":"trade"}}', read: 0 },
      { seq: 7, logged: 2, text: '{"seq":7,"logged":2,"event":{"type":"gap"}}', read: 0 },
    ],
  ],
])("is a frame that a feed takes, with %# of events", (events) => {
  const head = { epoch: 'a"b-1', prev: 4, seq: 7, through: 11, opens: 1 };
  const text = encodeBatch({ ...head, events, due: ["raw", "100ms"], asOf: 9, status: JSON.stringify(status) });
  expect(ticksFrame.parse(JSON.parse(text))).toEqual({
    op: "ticks",
    ...head,
    events: events.map((entry) => JSON.parse(entry.text) as unknown),
    due: ["raw", "100ms"],
    asOf: 9,
    status: { ...status, asOf: 9 },
  });
});
