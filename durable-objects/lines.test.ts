import { describe, expect, it } from "vitest";
import { groupTrades, LINE_NAMES, Line, makeItem, tradeItems } from "./lines.ts";
import { context, gap, ticker, trade } from "./testing/test-events.ts";

const E = context("e1");

describe("Line", () => {
  it("names every channel at every rate", () => {
    expect(LINE_NAMES).toEqual(["ticker@raw", "ticker@100ms", "trade@raw", "trade@100ms"]);
  });

  it("takes only what belongs to its channel", () => {
    const line = new Line("trade", "raw");
    for (const event of [ticker(1), trade(2), gap(3)]) line.take(event, true);
    expect(line.flush(E).map(({ seq }) => seq)).toEqual([2, 3]);
  });

  it("sends each event by itself at raw", () => {
    const line = new Line("trade", "raw");
    for (const seq of [1, 2, 5]) line.take(trade(seq), true);
    expect(line.flush(E).map(({ prev, seq, n }) => [prev, seq, n])).toEqual([
      [0, 1, 1],
      [1, 2, 1],
      [2, 5, 1],
    ]);
    expect(line.dirty).toBe(false);
  });

  it("gathers trades at 100ms, and lets each gap stand alone", () => {
    const line = new Line("trade", "100ms");
    for (const event of [trade(1), trade(2), gap(3), gap(4), trade(5)]) line.take(event, true);
    const items = line.flush(E);
    expect(items.map(({ prev, seq, n }) => [prev, seq, n])).toEqual([
      [0, 2, 2],
      [2, 3, 0],
      [3, 4, 0],
      [4, 5, 1],
    ]);
    expect(items[1]?.gap).toMatchObject({ cause: "exchange_disconnect", state: "open" });
  });

  it("folds tickers into the newest, with the range of them all by value, not by text", () => {
    const line = new Line("ticker", "100ms");
    for (const seq of [10, 9000, 2]) line.take({ ...ticker(seq), seq: line.position + seq }, true);
    expect(line.flush(E)[0]).toMatchObject({ n: 3, ticker: { price: "1002" }, range: { low: "1002", high: "10000" } });
  });

  it("lets its position pass over what nobody listens to", () => {
    const line = new Line("trade", "raw");
    line.take(trade(4), false);
    expect([line.position, line.dirty]).toEqual([4, false]);
    line.take(trade(3), true);
    expect(line.flush(E)).toEqual([]);
  });

  it("keeps its position behind what still waits when its last listener has left", () => {
    const line = new Line("trade", "100ms");
    line.take(trade(4), true);
    line.take(trade(5), false);
    expect(line.position).toBe(0);
    expect(line.flush(E).map(({ prev, seq, n }) => [prev, seq, n])).toEqual([[0, 5, 2]]);
  });

  it("sends nothing again that was broadcast before its memory went away", () => {
    const line = new Line("trade", "raw");
    for (const seq of [4, 5, 6]) line.take(trade(seq), true);
    line.adopt(5);
    line.adopt(3);
    expect(line.flush(E).map(({ prev, seq }) => [prev, seq])).toEqual([[5, 6]]);
  });

  it("makes no item that would hide a loss", () => {
    expect(() => makeItem({ name: "trade@raw" }, [trade(4)], 4, E)).toThrow("can't follow 4");
  });

  it("begins a new epoch with a snapshot", () => {
    const [state, log] = [new Line("ticker", "raw"), new Line("trade", "raw")];
    log.startsAnew = true;
    log.restart(3);
    state.take(ticker(4), true);
    state.take(ticker(5), true);
    log.take(gap(4), true);
    expect(state.flush(E).map(({ prev, seq, snapshot }) => [prev, seq, snapshot])).toEqual([
      [0, 4, true],
      [4, 5, undefined],
    ]);
    expect(log.flush(E).map(({ prev, seq, snapshot, trades }) => [prev, seq, snapshot, trades])).toEqual([
      [0, 3, true, []],
      [3, 4, undefined, undefined],
    ]);
  });

  it("says its source unless that is live", () => {
    const line = new Line("ticker", "raw");
    line.take(ticker(1), true);
    expect(line.flush({ ...E, source: "simulated" })[0]?.source).toBe("simulated");
  });
});

describe("groupTrades", () => {
  it("keeps groups within the size asked for", () => {
    const groups = groupTrades([trade(1), trade(2), trade(3), gap(4), trade(5)], 2);
    expect(groups.map((group) => group.map(({ seq }) => seq))).toEqual([[1, 2], [3], [4], [5]]);
  });
});

it("marks late trades", () => {
  const { seq, logged, event } = trade(7);
  if (event.type !== "trade") throw new TypeError("a trade");
  expect(tradeItems({ seq, logged, event: { ...event, late: true } })).toMatchObject([
    { id: "t7", seq: 7, late: true },
  ]);
});
