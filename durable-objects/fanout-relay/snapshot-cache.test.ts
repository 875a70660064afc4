import { expect, it } from "vitest";
import { SnapshotCache } from "./snapshot-cache.ts";

const line = (stream: string, seq: number, rest: object) => ({
  stream,
  prev: seq - 1,
  first: seq,
  seq,
  text: JSON.stringify({ stream, prev: seq - 1, seq, n: 2, ...rest }),
});
const snapshot = (cache: SnapshotCache, stream: string) => JSON.parse(cache.snapshot(stream) ?? "null");

it("shows of a state its last item, and of trades the newest alone", () => {
  const cache = new SnapshotCache();
  cache.put("upbit/0", line("a@ticker@1s", 5, { ticker: { price: "1" } }));
  cache.put("upbit/0", line("a@ticker@1s", 4, { ticker: { price: "0" } }));
  cache.put("upbit/0", line("a@trade@raw", 7, { trades: [{ seq: 6 }, { seq: 7 }] }));
  expect(snapshot(cache, "a@ticker@1s")).toMatchObject({
    prev: 0,
    seq: 5,
    n: 2,
    snapshot: true,
    ticker: { price: "1" },
  });
  expect(snapshot(cache, "a@trade@raw")).toMatchObject({ prev: 0, seq: 7, n: 0, snapshot: true, trades: [{ seq: 7 }] });
});

it("shows the newest trade before a gap, at the gap's position", () => {
  const cache = new SnapshotCache();
  cache.put("upbit/0", line("a@trade@raw", 7, { trades: [{ seq: 7 }] }));
  cache.put("upbit/0", line("a@trade@raw", 9, { n: 0, gap: { state: "open" } }));
  expect(snapshot(cache, "a@trade@raw")).toEqual({
    stream: "a@trade@raw",
    prev: 0,
    seq: 9,
    n: 0,
    snapshot: true,
    trades: [{ seq: 7 }],
  });
});

it("forgets what it is told to", () => {
  const cache = new SnapshotCache();
  cache.put("upbit/0", line("a@ticker@1s", 5, {}));
  cache.put("upbit/1", line("b@ticker@1s", 5, {}));
  cache.forget((_stream, partition) => partition === "upbit/0");
  expect([...cache.streams]).toEqual(["b@ticker@1s"]);
  expect([cache.snapshot("a@ticker@1s"), cache.seqOf("a@ticker@1s")]).toEqual([undefined, 0]);
});
