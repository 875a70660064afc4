/** What a reader that begins in the middle of a real Kafka's log makes of what stands before it. */

import { expect, it } from "vitest";
import { requireKafka, until } from "../../../../local/testing.ts";
import { BTC, ETH, Heard, trade, useTestLog } from "../testing.ts";
import type { KafkaWriter } from "../write/writer.ts";
import { LOOKBACK } from "./commit-lookback.ts";

const kafka = await requireKafka();
const XRP = "upbit:XRP-KRW";

kafka.describe("a reader that goes on from a commit", () => {
  const { log } = useTestLog(() => kafka.start(), { partitions: 1 });
  const read = () => log().read(new Heard());

  async function append(writer: KafkaWriter, ...events: readonly (readonly [number, string])[]): Promise<void> {
    for (const [id, instrument] of events) writer.append(trade(id, instrument));
    await writer.flushed();
  }
  async function readAndCommit(upTo: number, partition = 0): Promise<void> {
    const { reader, heard } = await read();
    await until(() => heard.offsets.includes(upTo - 1));
    expect(heard.calls).not.toContain("resumed");
    await until(() =>
      reader.commit([{ partition, epoch: heard.epoch, offset: upTo }]).then(
        () => true,
        () => false,
      ),
    );
    await reader.stop();
  }

  it("says first what the feeds had acked, void records left out, and reads on from the commit with nothing twice", async () => {
    const old = await log().write();
    // 0 and 1 are the opening markers.
    await append(old, [2, BTC], [3, ETH], [4, XRP]);
    const current = await log().write();
    // 5 is its marker; 6 is void.
    await append(old, [6, ETH]);
    await append(current, [7, BTC], [8, BTC]);
    await readAndCommit(8);
    const { reader, heard } = await read();
    await until(() => heard.offsets.includes(8));
    expect(heard.calls.slice(0, 2)).toEqual(["assigned", "resumed"]);
    const last = new Map([
      [BTC, 7],
      [ETH, 3],
      [XRP, 4],
    ]);
    expect([heard.acked, heard.offsets]).toMatchObject([[{ offset: 8, from: 5, last }], [8]]);
    // What the older collector wrote before its end may count; but that is certain only after the marker of the newer one.
    expect(heard.acked[0]?.recent).toMatchObject({ after: 5, records: [{ offset: 7, key: BTC, type: "trade" }] });
    const again: number[] = [];
    await reader.catchUp(0, 4, async (_epoch, records, next) => {
      again.push(...records.map(({ offset }) => offset));
      return next < 9;
    });
    expect(again).toEqual([7, 8]);
  });

  it("gives a reading that begins after the takeover no word of what the older collector still wrote", async () => {
    const old = await log().write();
    await append(old, [2, BTC]);
    const current = await log().write();
    await append(current, [4, BTC]);
    await append(old, [5, BTC], [6, ETH]);
    await append(current, [7, ETH]);
    await readAndCommit(8);
    const { reader, heard } = await read();
    await append(current, [8, ETH]);
    await until(() => heard.offsets.includes(8));
    expect(heard.acked[0]?.last).toEqual(
      new Map([
        [BTC, 4],
        [ETH, 7],
      ]),
    );
    const again: number[] = [];
    await reader.catchUp(0, 4, async (_epoch, records, next) => {
      again.push(...records.map(({ offset }) => offset));
      return next < 9;
    });
    expect(again).toEqual([7, 8]);
  });

  it("looks back a bounded number of positions, and once for a partition, however often the group is joined", async () => {
    log().settings = { ...log().settings, partitions: 2 };
    const writer = await log().write();
    const partition = writer.partitionOf(BTC);
    const many = LOOKBACK + 5000;
    await append(writer, [2, BTC], ...Array.from({ length: many }, (_, i) => [i + 3, BTC] as const));
    await readAndCommit(many, partition);
    const first = await read();
    await until(() => first.heard.offsets.includes(many + 2));
    const [acked] = first.heard.acked;
    expect(acked).toMatchObject({ offset: many, from: many - LOOKBACK, last: new Map([[BTC, many - 1]]) });
    expect([acked?.recent.after, acked?.recent.records.length]).toEqual([many - LOOKBACK - 1, LOOKBACK]);
    const second = await read();
    await until(() => first.heard.calls.includes("revoked") && second.heard.calls.includes("assigned"));
    await append(writer, [many + 3, BTC]);
    await until(() => [...first.heard.offsets, ...second.heard.offsets].includes(many + 3));
    expect(first.heard.acked.length).toBe(1);
  });
});
