import { expect, it } from "vitest";
import { type EdgeCounts, edgeCounts } from "../../protocol/edge-counts.ts";
import { EdgeTotals } from "./edge-totals.ts";

const word = (counts: Partial<EdgeCounts>) => edgeCounts.parse(counts);
const of = (totals: EdgeTotals) =>
  Object.fromEntries([...totals.all].map((one) => [`${one.objectClass}/${one.exchange}`, one.counts]));

it("adds up what was counted, and sums what each object has now until it is gone", () => {
  const totals = new EdgeTotals("upbit");
  const [a, b] = [totals.source("symbol_feed"), totals.source("symbol_feed")];
  a.take(word({ clients: 2, streams: 3, items: 10, resumes: { recovered: 1 } }));
  b.take(word({ clients: 1, streams: 1, items: 5 }));
  a.take(word({ clients: 1, streams: 1, items: 1, resumes: { recovered: 2, too_old: 1 } }));
  const counted = { items: 16, resumes: { recovered: 3, too_old: 1 } };
  expect(of(totals)).toMatchObject({ "symbol_feed/upbit": { clients: 2, streams: 2, ...counted } });
  a.gone();
  a.gone();
  expect(of(totals)).toMatchObject({ "symbol_feed/upbit": { clients: 1, streams: 1, ...counted } });
  a.take(word({ clients: 4, streams: 4 }));
  expect(of(totals)).toMatchObject({ "symbol_feed/upbit": { clients: 5, streams: 5, ...counted } });
});

it("keeps classes apart, and of relays what is of one exchange from what is not", () => {
  const totals = new EdgeTotals("upbit");
  totals.source("partition_feed").take(word({ items: 1 }));
  totals.takeRelays({ upbit: word({ items: 7, streams: 2 }), "": word({ clients: 3, frames: 4 }) });
  totals.takeRelays({ upbit: word({ items: 1, streams: 1 }) });
  expect(of(totals)).toMatchObject({
    "partition_feed/upbit": { items: 1, streams: 0 },
    "fanout_relay/upbit": { items: 8, streams: 1 },
    "fanout_relay/": { clients: 0, frames: 4 },
  });
  totals.takeRelays({});
  expect(of(totals)).toMatchObject({ "fanout_relay/upbit": { items: 8, streams: 0 } });
});
