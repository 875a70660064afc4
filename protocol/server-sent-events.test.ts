import { expect, it } from "vitest";
import { controlEvent, dataEvents, KEEP_ALIVE, retryAfter } from "./server-sent-events.ts";
import { EventReader } from "./testing/event-reader.ts";

it("makes one event of each item, and the last one has the id", () => {
  expect(dataEvents(['{"a":1}', '{"b":2}'], "k-0:5,k-1:7")).toBe(
    'event: data\ndata: {"a":1}\n\nevent: data\ndata: {"b":2}\nid: k-0:5,k-1:7\n\n',
  );
  expect(dataEvents(['{"a":1}'])).toBe('event: data\ndata: {"a":1}\n\n');
});

it("tells silent progress by an id without data, and nothing where there is none", () => {
  expect(dataEvents([], "k-0:5")).toBe("id: k-0:5\n\n");
  expect(dataEvents([])).toBe("");
});

it("makes an event of everything else", () => {
  expect(controlEvent('{"op":"pong"}')).toBe('event: control\ndata: {"op":"pong"}\n\n');
  expect(controlEvent('{"op":"pong"}', "k-0:5")).toBe('event: control\ndata: {"op":"pong"}\nid: k-0:5\n\n');
});

it("is read as frames wherever the stream is cut, and the last id is kept over events that have none", () => {
  const text = `${retryAfter(2000.4)}${controlEvent('{"op":"pong"}')}${dataEvents(["1", "2"], "k-0:5")}${KEEP_ALIVE}${dataEvents([], "k-0:6")}${dataEvents(["3"])}`;
  for (const size of [1, 7, text.length]) {
    const frames: unknown[] = [];
    const reader = new EventReader((frame) => frames.push(JSON.parse(frame)));
    for (let at = 0; at < text.length; at += size) reader.take(text.slice(at, at + size));
    expect(frames).toEqual([
      { op: "pong" },
      { op: "data", data: [1] },
      { op: "data", data: [2], positions: { "k-0": 5 } },
      { op: "data", data: [], positions: { "k-0": 6 } },
      { op: "data", data: [3] },
    ]);
    expect([reader.lastEventId, reader.retry, reader.comments]).toEqual(["k-0:6", 2000, 1]);
  }
});
