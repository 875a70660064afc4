/** What a partition's feed counts, each number by what moves it. It tells with what it says, and when a batch asks. */

import { expect, it } from "vitest";
import { type EdgeCounts, edgeCounts, sumCounts } from "../../protocol/edge-counts.ts";
import type { PartitionReply } from "../../protocol/partition-frames.ts";
import { ticker, trade } from "../testing/test-events.ts";
import type { TestSocket } from "../testing/test-socket.ts";
import { A, B, batch, list, replayed, served } from "./testing/test-partition.ts";
import { TestRelay } from "./testing/test-relay.ts";

/** All that the pusher was told; of what there is now, the last word. */
function told({ seen }: TestSocket<PartitionReply>): EdgeCounts {
  const words = seen.flatMap((frame) => ("counts" in frame && frame.counts ? [frame.counts] : []));
  const sum = words.reduce(sumCounts, edgeCounts.parse({}));
  return { ...sum, clients: words.at(-1)?.clients ?? 0, streams: words.at(-1)?.streams ?? 0 };
}

it("counts relays, what they want, lines and frames, and events that were replaced, and says so when it is asked", async () => {
  const { feed, pusher, relay } = await served([`${A}@trade@raw`, `${A}@ticker@1s`]);
  const other = await TestRelay.open(feed, "weur-0");
  other.want([`${A}@trade@raw`]);
  await other.next("wanted");
  pusher.send(batch(10, 12, [ticker(11, A), ticker(12, A)]));
  await relay.next("lines");
  pusher.send(batch(12, 14, [ticker(13, A), trade(14, A)], { due: ["1s"] }));
  await other.next("lines");
  const ops = pusher.ops.length;
  pusher.send(batch(14, 14, [], { count: true }));
  const { counts } = await pusher.next("counts");
  expect(pusher.ops.slice(ops)).toEqual(["counts"]);
  expect(counts).toMatchObject({ clients: 2, streams: 3 });
  const frames = [...relay.seen, ...other.seen];
  const sum = told(pusher);
  expect(sum).toMatchObject({ items: frames.reduce((all, { items }) => all + items.length, 0), folded: 2 });
  expect(sum).toMatchObject({ frames: frames.length, bytes: frames.reduce((all, { size }) => all + size, 0) });
  other.ws.close(1000);
  relay.ws.close(1000);
  while ((await pusher.next("cadence")).rates.length > 0);
  expect(told(pusher)).toMatchObject({ clients: 0, streams: 0, closes: { left: 2 } });
});

it("counts how replays go, where it has to begin anew, and links that it closes", async () => {
  const { pusher, relay } = await served([`${A}@trade@raw`]);
  pusher.send(batch(10, 12, [trade(12, A)]));
  await relay.next("lines");
  relay.replay(10, [`${A}@trade@raw`]);
  const { id } = await pusher.next("replay");
  pusher.send(replayed(id, 10, 12, [trade(12, A)]));
  expect((await relay.next("replay")).head.recovered).toBe(true);
  relay.replay(3, [`${B}@trade@raw`]);
  pusher.send(replayed((await pusher.next("replay")).id, 9, 12, [], { complete: false }));
  expect((await relay.next("replay")).head.recovered).toBe("too_old");
  relay.replay(3, [`${B}@trade@raw`], "e0");
  expect((await relay.next("replay")).head.recovered).toBe("epoch_changed");
  pusher.send(list(40, 40, [], { from: 12 }));
  expect(await relay.closed).toBe(4000);
  while ((await pusher.next("cadence")).rates.length > 0);
  expect(told(pusher)).toMatchObject({
    resumes: { recovered: 1, too_old: 1, epoch_changed: 1, began_anew: 1 },
    closes: { restarting: 1 },
  });
});

it("says nothing to a pusher that does not ask", async () => {
  const { pusher, relay } = await served([`${A}@trade@raw`]);
  const ops = pusher.ops.length;
  for (let seq = 11; seq < 20; seq += 1) {
    pusher.send(batch(seq - 1, seq, [trade(seq, A)]));
    await relay.next("lines");
  }
  expect(pusher.ops.length).toBe(ops);
});
