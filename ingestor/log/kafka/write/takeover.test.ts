/** How collectors of a real Kafka's log succeed each other. */

import { expect, it } from "vitest";
import { requireKafka, until } from "../../../../local/testing.ts";
import { extents } from "../offsets.ts";
import { toMessage } from "../records.ts";
import { BTC, Heard, trade, useTestLog } from "../testing.ts";

const kafka = await requireKafka();

kafka.describe("a takeover of a log", () => {
  const { log } = useTestLog(() => kafka.start(), { partitions: 2 });
  const write = (...ids: number[]) => log().write(...ids.map((id) => trade(id)));
  const read = (heard = new Heard()) => log().read(heard);

  it("begins a new log with two markers, and goes on after a restart with nothing twice", async () => {
    const first = await write(1, 2);
    await first.close();
    const second = log().newWriter();
    const tails = await second.open(0);
    const tail = tails[second.partitionOf(BTC)];
    expect(tail?.events.map((event) => event.type === "trade" && event.id)).toEqual(["1", "2"]);
    expect(tail).toMatchObject({ completeFrom: 0, completeUntil: 1002 });
    second.append(trade(3));
    await second.flushed();
    const { heard } = await read();
    await until(() => heard.ids.length === 3);
    expect([heard.ids, heard.offsets, heard.epochs.length]).toEqual([["1", "2", "3"], [2, 3, 5], 1]);
  });

  it("relies on the receipt of a trade that is dated in the future", async () => {
    const first = await write(1);
    first.append({ ...trade(2), time: 1_000_000, received: 1500 });
    await first.flushed();
    const tails = await log().newWriter().open(0);
    expect(tails.map(({ completeUntil }) => completeUntil).sort()).toEqual([1500, null]);
  });

  it("takes no status for a sign of what was collected", async () => {
    const first = await write(1);
    first.announce({ state: "down", source: "live", since: 1 });
    await first.flushed();
    const tails = await log().newWriter().open(0);
    expect(tails.map(({ completeUntil }) => completeUntil).sort()).toEqual([1001, null]);
  });

  it("takes over the gaps that its predecessor suspected", async () => {
    const first = await write(1, 2);
    first.announce({ state: "live", source: "live", since: 1, doubted: 700 });
    await first.flushed();
    const tails = await log().newWriter().open(0);
    expect(tails.map(({ completeUntil }) => completeUntil).sort()).toEqual([700, null]);
  });

  it("reads more of a tail than a number of records where those are of the last seconds", async () => {
    const first = log().newWriter();
    await first.open(0);
    const begun = Date.now();
    for (let id = 1; id <= 8000; id += 1) first.append({ ...trade(id), time: begun });
    await first.flushed();
    const tails = await log().newWriter().open(0);
    const [tail] = tails.filter(({ events }) => events.length > 0);
    expect([tail?.events.length, tail?.completeFrom]).toEqual([8000, 0]);
  });

  it("says only in partitions with an open gap that something is being fetched, also after a takeover", async () => {
    const gap = {
      type: "gap",
      cause: "exchange_disconnect",
      since: 5,
      until: 6,
      state: "open",
      received: null,
    } as const;
    const first = await write(1);
    first.append({ ...gap, instrument: BTC });
    await first.flushed();
    await first.close();
    const second = log().newWriter();
    await second.open(0);
    second.announce({ state: "live", source: "live", since: 1, healing: 5 });
    await second.flushed();
    const all = await log().records();
    const said = all.flatMap(({ partition, type, value }) =>
      type === "status" ? [[partition, JSON.parse(value)]] : [],
    );
    const mine = second.partitionOf(BTC);
    expect(Object.fromEntries(said)).toEqual({
      [mine]: { state: "live", source: "live", since: 1, healing: 5 },
      [1 - mine]: { state: "live", source: "live", since: 1 },
    });
  });

  it("writes under the term it is given, and above those that the log has seen", async () => {
    const first = log().newWriter();
    await first.open(7);
    expect(first.term).toBe(7);
    const second = log().newWriter();
    await second.open(3);
    expect(second.term).toBe(8);
  });

  it("gives a log that was begun by half the markers it lacks", async () => {
    const { topic } = log();
    await log().onAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true }));
    const producer = log().kafka.producer();
    await producer.connect();
    const marker = { key: "marker", value: "{}", type: "marker" } as const;
    const messages = [0, 1].map((i) => toMessage(marker, { incarnation: "half", term: 1 }, 0, i));
    await producer.send({ topic, messages });
    await producer.disconnect();
    await write();
    const all = await log().onAdmin((admin) => extents(admin, topic));
    expect(all.map(({ high }) => high)).toEqual([3, 2]);
  });

  it("lets one of two collectors that start at once have the log: what the other writes is void", async () => {
    await (await write(1)).close();
    const [a, b] = [log().newWriter(), log().newWriter()];
    await Promise.all([a.open(0), b.open(0)]);
    for (let id = 10; id < 15; id += 1) for (const writer of [a, b]) writer.append(trade(id));
    await Promise.all([a.flushed(), b.flushed()]);
    const { heard } = await read();
    await until(() => heard.ids.filter((id) => id === "14").length >= 1);
    const after = log().newWriter();
    await after.open(0);
    after.append(trade(99));
    await after.flushed();
    await until(() => heard.ids.at(-1) === "99");
    expect(heard.ids).toEqual(["1", "10", "11", "12", "13", "14", "99"]);
  });

  it("notices in the log that another collector has taken it over, and leaves what it finds to readers", async () => {
    const first = await write(1);
    let superseded = false;
    void first.superseded.then(() => {
      superseded = true;
    });
    first.append(trade(2));
    await first.flushed();
    const second = log().newWriter();
    await second.open(0);
    first.append(trade(3));
    await until(() => superseded);
    second.append(trade(4));
    await second.flushed();
    const { heard } = await read();
    await until(() => heard.ids.includes("4"));
    expect(heard.ids).toEqual(["1", "2", "4"]);
  });
});
