import { expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { context, decoded, feedEvents, ticker, trade } from "../testing/test-events.ts";
import { StateStream } from "./state-stream.ts";

const E = context("e1");

function take(stream: StateStream, events: readonly LoggedEvent[], listening = true): void {
  for (const event of feedEvents(...events)) stream.take(event, listening);
}

const positions = (stream: StateStream) =>
  decoded(stream.flush(E)).map(({ prev, seq, n, snapshot }) => [prev, seq, n, snapshot]);
const snapshotOf = (stream: StateStream) => decoded([stream.snapshot(E) ?? []].flat())[0];

it("begins with a snapshot, and folds what gathers into the newest", () => {
  const stream = new StateStream("ticker", "100ms");
  take(stream, [ticker(2), trade(3), ticker(4)]);
  expect(positions(stream)).toEqual([[0, 4, 2, true]]);
  take(stream, [ticker(5), ticker(9)]);
  expect(positions(stream)).toEqual([[4, 9, 2, undefined]]);
});

it("sends each value by itself at raw", () => {
  const stream = new StateStream("ticker", "raw");
  take(stream, [ticker(4), ticker(5)]);
  expect(positions(stream)).toEqual([
    [0, 4, 1, true],
    [4, 5, 1, undefined],
  ]);
});

it("shows a newcomer the value that was flushed last, not what waits", () => {
  const stream = new StateStream("ticker", "100ms");
  expect(stream.snapshot(E)).toBeUndefined();
  take(stream, [ticker(2)]);
  stream.flush(E);
  take(stream, [ticker(4)]);
  expect(snapshotOf(stream)).toMatchObject({ prev: 0, seq: 2, n: 1, snapshot: true });
  stream.flush(E);
  take(stream, [ticker(6)], false);
  expect(snapshotOf(stream)).toMatchObject({ seq: 6 });
});

it("knows after waking what was flushed last once that has come again", () => {
  const stream = new StateStream("ticker", "100ms");
  stream.adopt(4);
  take(stream, [ticker(3), ticker(4), ticker(5)]);
  expect(snapshotOf(stream)).toMatchObject({ seq: 4 });
  expect(positions(stream)).toEqual([[4, 5, 1, undefined]]);
});

it("has nothing to show in a new epoch until something comes", () => {
  const stream = new StateStream("ticker", "raw");
  take(stream, [ticker(4)], false);
  stream.changeEpoch();
  expect([stream.position, stream.snapshot(E)]).toEqual([0, undefined]);
  take(stream, [ticker(2)]);
  expect(positions(stream)).toEqual([[0, 2, 1, true]]);
});
