import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { TradeHistory } from "../symbol-feed/trade-history.ts";
import { context, decoded, feedEvents, gap, INSTRUMENT, ticker, trade } from "../testing/test-events.ts";
import { groupTrades, LogStream } from "./log-stream.ts";

const E = context("e1");
let objects = 0;

/** A stream over the history of a fresh object. */
function withHistory(run: (history: TradeHistory) => void): Promise<void> {
  objects += 1;
  const stub = env.REGISTRY.getByName(`log-stream-${objects}`);
  return runInDurableObject(stub, (_instance, state) => run(new TradeHistory(state.storage.sql, INSTRUMENT)));
}

function take(stream: LogStream, events: readonly LoggedEvent[], listening = true): void {
  for (const event of feedEvents(...events)) stream.take(event, listening);
}

const positions = (stream: LogStream) => decoded(stream.flush(E)).map(({ prev, seq, n }) => [prev, seq, n]);

describe("LogStream", () => {
  it("takes trades and gaps, each by itself at raw", async () => {
    await withHistory((history) => {
      const stream = new LogStream("trade", "raw", history);
      take(stream, [ticker(1), trade(2), gap(3), trade(5)]);
      expect(positions(stream)).toEqual([
        [0, 2, 1],
        [2, 3, 0],
        [3, 5, 1],
      ]);
      expect(stream.dirty).toBe(false);
    });
  });

  it("gathers trades at 100ms, and lets each gap stand alone", async () => {
    await withHistory((history) => {
      const stream = new LogStream("trade", "100ms", history);
      take(stream, [trade(1), trade(2), gap(3), gap(4), trade(5)]);
      expect(positions(stream)).toEqual([
        [0, 2, 2],
        [2, 3, 0],
        [3, 4, 0],
        [4, 5, 1],
      ]);
    });
  });

  it("lets its position pass over what nobody listens to", async () => {
    await withHistory((history) => {
      const stream = new LogStream("trade", "raw", history);
      take(stream, [trade(4)], false);
      expect([stream.position, stream.dirty]).toEqual([4, false]);
      take(stream, [trade(3)]);
      expect(stream.flush(E)).toEqual([]);
    });
  });

  it("keeps its position behind what still waits when its last listener has left", async () => {
    await withHistory((history) => {
      const stream = new LogStream("trade", "100ms", history);
      take(stream, [trade(4)]);
      take(stream, [trade(5)], false);
      expect(stream.position).toBe(0);
      expect(positions(stream)).toEqual([[0, 5, 2]]);
    });
  });

  it("sends nothing again that was broadcast before its memory went away", async () => {
    await withHistory((history) => {
      const stream = new LogStream("trade", "raw", history);
      take(stream, [trade(4), trade(5), trade(6)]);
      stream.adopt(5);
      stream.adopt(3);
      expect(positions(stream)).toEqual([[5, 6, 1]]);
    });
  });

  it("goes on in a new epoch with an empty snapshot for those who listen", async () => {
    await withHistory((history) => {
      const stream = new LogStream("trade", "raw", history);
      stream.changeEpoch(3, true, true);
      take(stream, [gap(4)]);
      expect(decoded(stream.flush(E)).map(({ prev, seq, snapshot }) => [prev, seq, snapshot])).toEqual([
        [0, 3, true],
        [3, 4, undefined],
      ]);
    });
  });

  it("shows a newcomer what was flushed last, not what waits", async () => {
    await withHistory((history) => {
      const stream = new LogStream("trade", "100ms", history);
      expect(stream.snapshot(E)).toBeUndefined();
      for (const event of feedEvents(trade(4), gap(5), trade(7))) history.add(event);
      take(stream, [trade(4), gap(5)]);
      stream.flush(E);
      take(stream, [trade(7)]);
      expect(decoded([stream.snapshot(E) ?? []].flat())).toMatchObject([{ prev: 0, seq: 5, trades: [{ seq: 4 }] }]);
      expect(decoded(stream.recover(0, E)).map(({ seq }) => seq)).toEqual([4, 5]);
    });
  });
});

describe("groupTrades", () => {
  it("keeps groups within the size asked for", () => {
    const groups = groupTrades(feedEvents(trade(1), trade(2), trade(3), gap(4), trade(5)), 2);
    expect(groups.map((group) => group.map(({ seq }) => seq))).toEqual([[1, 2], [3], [4], [5]]);
  });
});
