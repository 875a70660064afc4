import { beforeEach, expect, it } from "vitest";
import type { LatestTicker, LoggedEvent } from "../../protocol/ingest.ts";
import type { PartitionBatch, TickerList } from "../../protocol/partition-frames.ts";
import { figures, LIVE, ticker, trade } from "../testing/test-events.ts";
import { PartitionCore } from "./partition-core.ts";

// What random histories make of it together with the pusher's end: ingestor/push/partition-delivery.test.ts.

const [A, B] = ["upbit:A-KRW", "upbit:B-KRW"] as const;

function newest(instrument: string, seq: number, epoch = "e1"): LatestTicker {
  const t = { exchange: seq, received: seq, logged: seq * 10 };
  return { instrument, epoch, seq, source: "live", ticker: figures(String(seq), seq), t };
}

function list(through: number, tickers: readonly LatestTicker[], over: Partial<TickerList> = {}): TickerList {
  const asOf = through * 10;
  return { op: "tickers", epoch: "e1", from: 0, through, tickers: [...tickers], asOf, more: false, ...over };
}

function batch(prev: number, through: number, events: readonly LoggedEvent[] = []): PartitionBatch {
  const asOf = through * 10;
  return { op: "batch", epoch: "e1", prev, through, events: [...events], asOf, status: LIVE, due: [] };
}

let core: PartitionCore;
const known = (instrument: string) => {
  const found = core.ticker(instrument);
  return found === undefined ? undefined : [found.epoch, found.seq, found.asOf];
};

beforeEach(() => {
  core = new PartitionCore();
});

it("says which events of a batch are new, once each and in order, and where some are missing", () => {
  expect(core.takeBatch(batch(0, 2, []))).toEqual({ kind: "unknown" });
  core.takeList(list(4, []));
  expect(core.takeBatch(batch(6, 9, [trade(9, A)]))).toEqual({ kind: "hole", epoch: "e1", from: 4 });
  const events = [trade(3, A), trade(5, A), trade(7, B)];
  const seqs = (taken: ReturnType<PartitionCore["takeBatch"]>) =>
    taken.kind === "applied" ? taken.events.map(({ seq }) => seq) : taken;
  expect(seqs(core.takeBatch({ ...batch(2, 8), events }))).toEqual([5, 7]);
  expect(seqs(core.takeBatch({ ...batch(2, 8), events }))).toEqual([]);
  // Of a pusher that is behind.
  expect(seqs(core.takeBatch(batch(2, 5, events.slice(0, 2))))).toEqual([]);
  expect(core.position).toMatchObject({ epoch: "e1", seq: 8 });
});

it("begins with a list only when all of it is there", () => {
  expect(core.takeList(list(4, [newest(A, 3)], { more: true }))).toEqual({ kind: "partial" });
  expect([core.position, known(A)]).toEqual([null, undefined]);
  core.forgetPages();
  expect(core.takeList(list(6, [newest(B, 5)]))).toMatchObject({ kind: "complete", before: null });
  expect([known(A), known(B)]).toEqual([undefined, ["e1", 5, 60]]);
});

it("is certain of what the pusher vouches for, and has the rest asked, again after half a minute", () => {
  core.takeList(list(6, [newest(A, 5)]));
  expect(core.uncertain([A, B], 1000, 1000)).toEqual([B]);
  core.takeChecked(B, null, 1000);
  expect(core.uncertain([A, B], 30_999, 30_999)).toEqual([]);
  expect(core.uncertain([A, B], 31_000, 31_000)).toEqual([B]);
  core.takeBatch(batch(6, 9, [ticker(8, B)]));
  expect(core.uncertain([A, B], 90_000, 90_000)).toEqual([]);
  // The pusher has not been heard for long: it may be that the instruments' own feeds have.
  expect(core.uncertain([A, B], 90_000, 60_000)).toEqual([A, B]);
  core.takeChecked(A, newest(A, 20), 90_000);
  core.takeChecked(B, newest(B, 7), 90_000);
  expect([known(A), known(B)]).toEqual([
    ["e1", 20, 200],
    ["e1", 8, expect.any(Number)],
  ]);
  expect(core.uncertain([A, B], 119_999, 60_000)).toEqual([]);
});

it("has what may be out of date asked at once", () => {
  core.takeList(list(6, [newest(A, 5), newest(B, 4)]));
  core.takeChecked(A, newest(A, 5), 1000);
  // Another pusher, that knows nothing of what lies between.
  core.takeList(list(50, [newest(B, 45)], { from: 40 }));
  expect(core.uncertain([A, B], 1001, 1001)).toEqual([A]);
  core.takeChecked(A, newest(A, 39), 1001);
  expect([known(A), known(B)]).toEqual([
    ["e1", 39, 390],
    ["e1", 45, 500],
  ]);
  // It had everything up to there: what follows shows that there was nothing newer.
  core.takeList(list(60, [], { from: 39 }));
  expect([known(A), core.uncertain([A], 100_000, 100_000)]).toEqual([["e1", 39, 600], []]);
});

it("lets no word of an older log replace one of the log that the pusher is in", () => {
  core.takeList(list(900, [newest(A, 900)]));
  core.takeChecked(A, newest(A, 3, "e2"), 0);
  core.takeList(list(2, [newest(A, 900), newest(B, 800)], { epoch: "e2", from: 1 }));
  expect([known(A)?.slice(0, 2), known(B)?.slice(0, 2)]).toEqual([
    ["e1", 900],
    ["e1", 800],
  ]);
  core.takeChecked(A, { ...newest(A, 3, "e2"), t: { exchange: 1, received: 1, logged: 90_000 } }, 0);
  core.takeList(list(2, [newest(A, 900)], { epoch: "e2", from: 1 }));
  expect(known(A)?.slice(0, 2)).toEqual(["e2", 3]);
});
