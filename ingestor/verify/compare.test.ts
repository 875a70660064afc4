import { describe, expect, test } from "vitest";
import type { MarketEvent } from "../../protocol/events.ts";
import type { DataItem } from "../../protocol/frames.ts";
import { compare, continuousRuns, type Logged } from "./compare.ts";

const t = { exchange: 1, received: 2, logged: 3, edge: 4 };
const GAP = { cause: "collector_restart" as const, since: 1, until: 2, state: "lost" as const };

function values(seq: number) {
  return { id: `${seq}0`, price: "95299000", size: "0.5", side: "buy" as const, time: 1000 + seq };
}

function logged(seq: number, instrument = "upbit:BTC-KRW"): Logged {
  return { seq, event: { type: "trade", instrument, ...values(seq), received: 5, snapshot: false } };
}

const ticker = { type: "ticker", instrument: "upbit:BTC-KRW" } as MarketEvent;
const gap: MarketEvent = { type: "gap", instrument: "upbit:BTC-KRW", ...GAP, received: null };
const late: Logged = { seq: 9, event: { ...logged(9).event, late: true } as MarketEvent };
/** Trades 2, 4, 5, 7 and 9 (late), a gap at 8, and what is not of this stream. */
const LOG: Logged[] = [
  ...[logged(2), { seq: 3, event: ticker }, logged(4), logged(5), logged(6, "upbit:ETH-KRW"), logged(7)],
  ...[{ seq: 8, event: gap }, late],
];

function item(prev: number, ...seqs: number[]): DataItem {
  const trades = seqs.map((seq) => ({ ...values(seq), seq, ...(seq === 9 ? { late: true as const } : {}) }));
  return { ...head(prev, seqs.at(-1) ?? 0), n: seqs.length, trades };
}

function head(prev: number, seq: number) {
  return { stream: "upbit:BTC-KRW@trade@100ms", instrument: "upbit:BTC-KRW", epoch: "a", prev, seq, n: 0, t };
}

const snapshot = (seq: number): DataItem => ({ ...item(0, seq), n: 0, snapshot: true });
const GOOD = [snapshot(2), item(2, 4, 5), item(5, 7), { ...head(7, 8), gap: GAP }, item(8, 9)];

function problems(items: readonly DataItem[], log: readonly Logged[] = LOG): string[] {
  return continuousRuns(items).flatMap((run) => compare(run, log));
}

/** The good recording with one item replaced by others. */
function instead(i: number, ...items: DataItem[]): DataItem[] {
  return GOOD.toSpliced(i, 1, ...items);
}

test("what is as the log has it has no problems", () => {
  expect(problems(GOOD)).toEqual([]);
  expect(problems(GOOD.slice(1))).toEqual([]);
  expect(problems([snapshot(2)])).toEqual([]);
});

describe("finds", () => {
  const altered = { ...item(5, 7), trades: [{ ...values(7), seq: 7, price: "95299001" }] };
  const unmarked = { ...item(8, 9), trades: [{ ...values(9), seq: 9 }] };
  test.each<[string, DataItem[], RegExp[]]>([
    ["a missing item", instead(2), [/^8 names 7 as the item before it, which was 5/, /^7 is missing: /]],
    ["a missing trade within an item", instead(1, item(2, 5)), [/^4 is missing/]],
    ["an item that came twice", instead(2, item(5, 7), item(5, 7)), [/^7 names 5 .* was 7/, /^7 came twice/]],
    ["a trade twice in an item", instead(1, item(2, 4, 4, 5)), [/^4 came twice/]],
    ["trades out of order", instead(1, item(2, 5, 4)), [/^5 names|^7 names/, /^4 came after 5/]],
    ["an altered value", instead(2, altered), [/^7 differs: log .*95299000.* recorded .*95299001/]],
    ["a late trade that does not say so", instead(4, unmarked), [/^9 differs/]],
    ["an altered snapshot", instead(0, { ...altered, n: 0, prev: 0, seq: 2, snapshot: true }), [/^7 differs/]],
    ["what is not in the log", instead(4, item(8, 9), item(9, 11)), [/^11 is not in the log/]],
    ["a trade of another instrument", instead(2, item(5, 6), item(6, 7)), [/^6 is not in the log/]],
    ["a broken chain", instead(2, item(4, 7)), [/^7 names 4 as the item before it, which was 5/]],
    ["a missing gap", instead(3).with(3, item(7, 9)), [/^8 is missing: .*collector_restart/]],
    ["an altered gap", instead(3, { ...head(7, 8), gap: { ...GAP, until: 3 } }), [/^8 differs/]],
    ["a wrong count", instead(2, { ...item(5, 7), n: 2 }), [/^7 counts 2 events and has 1 trades/]],
  ])("%s", (_, items, expected) => {
    const found = problems(items);
    for (const one of expected) expect(found).toContainEqual(expect.stringMatching(one));
    if (expected.length === 1) expect(found.length).toBe(1);
  });

  test("the last two items swapped", () => {
    const found = problems([...GOOD.slice(0, 3), item(8, 9), { ...head(7, 8), gap: GAP }]);
    expect(found).toContainEqual("8 came after 9");
    expect(found).not.toContainEqual(expect.stringMatching(/not in the log|missing/));
  });
});

test("a snapshot older than what the log still holds is no problem", () => {
  expect(problems([snapshot(2), item(2, 4, 5)], LOG.slice(1))).toEqual([]);
});

describe("continuousRuns", () => {
  const cut = (items: readonly DataItem[]) =>
    continuousRuns(items).map(({ epoch, from, to, items }) => ({ epoch, from, to, n: items.length }));

  test("are cut at snapshots and epochs, stream by stream; tickers are passed over", () => {
    const other = { ...item(1, 2), stream: "upbit:BTC-KRW@trade@raw" };
    const inB = (one: DataItem) => ({ ...one, epoch: "b" });
    const tickers = { ...head(1, 3), stream: "upbit:BTC-KRW@ticker@100ms" };
    const items = [snapshot(2), other, item(2, 4), tickers, snapshot(7), inB(item(1, 2)), inB(snapshot(4))];
    expect(cut(items)).toEqual([
      { epoch: "a", from: 2, to: 4, n: 1 },
      { epoch: "a", from: 7, to: 7, n: 0 },
      { epoch: "b", from: 1, to: 2, n: 1 },
      { epoch: "b", from: 4, to: 4, n: 0 },
      { epoch: "a", from: 1, to: 2, n: 1 },
    ]);
    expect(cut([])).toEqual([]);
  });

  test("the feed's own gap after a change of epochs is not looked for in the log", () => {
    const begin: DataItem = { ...head(0, 0), snapshot: true, trades: [] };
    const changed: DataItem = { ...head(0, 1), gap: { ...GAP, cause: "epoch_changed" } };
    expect(problems([begin, changed, item(1, 2)])).toEqual([]);
  });
});
