import { expect, test } from "vitest";
import { describeReport, Statistics } from "./statistics.ts";
import { ticker, trade, tradeSnapshot } from "./testing/items.ts";

const t = { exchange: 1000, received: 1010, logged: 1012, edge: 1020 };

test("counts what comes in a period, and how long each hop took", () => {
  const statistics = new Statistics(0);
  for (let i = 0; i < 99; i++) statistics.addItem(trade(i, i + 1, { t }), 1025);
  statistics.addItem(ticker(1, 2, { n: 4, t: { ...t, exchange: 900 } }), 1060);
  statistics.addBytes(5000);
  statistics.addMissed();
  const report = statistics.report(2000);
  expect(report).toEqual({
    ...{ seconds: 2, itemsPerSecond: 50, bytesPerSecond: 2500, folded: 3, gaps: 0, missed: 1 },
    latency: {
      collector: { p50: 10, p99: 110 },
      log: { p50: 2, p99: 2 },
      edge: { p50: 8, p99: 8 },
      here: { p50: 5, p99: 40 },
      all: { p50: 25, p99: 160 },
    },
  });
  expect(describeReport(report)).toBe(
    "50 items/s, 2500 B/s, 3 folded, 0 gaps, 1 missed; p50/p99 ms: collector 10/110, log 2/2, edge 8/8, here 5/40, all 25/160",
  );
});

test("snapshots, late trades and gaps are counted, but not timed; what no collector got has no first hops", () => {
  const statistics = new Statistics(0);
  const gap = { cause: "log_expired" as const, since: 1, until: 2, state: "lost" as const };
  const [late] = (trade(5, 6).trades ?? []).map((one) => ({ ...one, late: true as const }));
  statistics.addItem(tradeSnapshot(5, { t }), 1025);
  statistics.addItem(trade(5, 6, { t, trades: late === undefined ? [] : [late] }), 1025);
  statistics.addItem(trade(6, 7, { t, n: 0, trades: [], gap }), 1025);
  expect(statistics.report(1000)).toMatchObject({ itemsPerSecond: 3, gaps: 1, latency: { all: { p50: null } } });
  statistics.addItem(trade(7, 8, { t: { ...t, received: null } }), 1025);
  const { latency, ...counts } = statistics.report(2000);
  expect(counts).toMatchObject({ seconds: 1, itemsPerSecond: 1, gaps: 0 });
  expect([latency.collector.p50, latency.log.p50, latency.all.p50]).toEqual([null, null, 25]);
});
