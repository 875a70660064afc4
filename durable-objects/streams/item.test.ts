import { expect, it } from "vitest";
import { context, decoded, feedEvents, gap, ticker, trade } from "../testing/test-events.ts";
import { dataFrame, FeedEvent, itemsAfter, logSnapshot, makeItem, pathOf, tradeItems } from "./item.ts";

const E = context("e1");

it("is the item of the contract, field by field", () => {
  const [item] = decoded([makeItem("trade@100ms", feedEvents(trade(4), trade(6)), 2, E)]);
  expect(item).toMatchObject({ stream: "upbit:BTC-KRW@trade@100ms", epoch: "e1", prev: 2, seq: 6, n: 2 });
  expect(item?.trades?.map(({ id, seq }) => [id, seq])).toEqual([
    ["t4", 4],
    ["t6", 6],
  ]);
  expect(item?.t).toEqual(pathOf(trade(6), E.edge));
});

it("hides no loss", () => {
  expect(() => makeItem("trade@raw", feedEvents(trade(4)), 4, E)).toThrow("can't follow 4");
  expect(() => makeItem("trade@raw", [], 4, E)).toThrow("at least one event");
});

it("counts no event in a gap and in a snapshot of trades", () => {
  const [hole, newest, none] = decoded([
    makeItem("trade@raw", feedEvents(gap(5)), 4, E),
    logSnapshot("trade@raw", 5, new FeedEvent(trade(5)), pathOf(trade(5), E.edge), E),
    logSnapshot("trade@raw", 5, undefined, pathOf(gap(5), E.edge), E),
  ]);
  expect(hole).toMatchObject({ n: 0, gap: { cause: "exchange_disconnect" } });
  expect(newest).toMatchObject({ n: 0, prev: 0, snapshot: true, trades: [{ seq: 5 }] });
  expect(none).toMatchObject({ n: 0, prev: 0, snapshot: true, trades: [] });
});

it("gives the range of what it folds by value, not by text", () => {
  const prices = ["1010", "9000", "1002"].map((price, i) => {
    const { event, ...head } = ticker(i + 1);
    return { ...head, event: { ...event, price } } as ReturnType<typeof ticker>;
  });
  const [item] = decoded([makeItem("ticker@100ms", feedEvents(...prices), 0, E)]);
  expect(item).toMatchObject({ n: 3, ticker: { price: "1002" }, range: { low: "1002", high: "9000" } });
});

it("says its source unless that is live", () => {
  const make = (source: "live" | "simulated") => makeItem("ticker@raw", feedEvents(ticker(1)), 0, { ...E, source });
  expect(decoded([make("live"), make("simulated")]).map(({ source }) => source)).toEqual([undefined, "simulated"]);
});

it("leaves out what a client has by another way", () => {
  const item = makeItem("trade@100ms", feedEvents(trade(4), trade(6), trade(7)), 2, E);
  expect(item.continuing(7)).toBeUndefined();
  const [cut] = decoded([item.continuing(5) ?? item]);
  expect(cut).toMatchObject({ prev: 5, seq: 7, n: 2 });
  expect(cut?.trades?.map(({ seq }) => seq)).toEqual([6, 7]);
  const next = makeItem("trade@100ms", feedEvents(trade(9)), 7, E);
  const positions = (position: number) =>
    decoded(itemsAfter([item, next], position)).map(({ prev, seq }) => [prev, seq]);
  expect([positions(5), positions(7), positions(8), positions(9)]).toEqual([
    [
      [5, 7],
      [7, 9],
    ],
    [[7, 9]],
    [[8, 9]],
    [],
  ]);
  const snapshot = logSnapshot("trade@raw", 5, undefined, pathOf(gap(5), E.edge), E);
  expect(snapshot.continuing(9)).toBe(snapshot);
});

it("marks late trades", () => {
  const { seq, logged, event } = trade(7);
  if (event.type !== "trade") throw new TypeError("a trade");
  const late = { seq, logged, event: { ...event, late: true as const } };
  expect(tradeItems(late)).toMatchObject([{ id: "t7", seq: 7, late: true }]);
  expect(JSON.parse(dataFrame([makeItem("trade@raw", feedEvents(late), 0, E)]))).toMatchObject({
    op: "data",
    data: [{ trades: [{ id: "t7", late: true }] }],
  });
});
