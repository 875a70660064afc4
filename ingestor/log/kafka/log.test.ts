/** Writer and reader of a Kafka log while a real Kafka fails them. */

import { expect, it } from "vitest";
import { deleteTopic } from "../../../local/kafka/delete-topic.ts";
import { requireKafka, until } from "../../../local/testing.ts";
import { BTC, ETH, Heard, trade, useTestLog } from "./testing.ts";

const kafka = await requireKafka();

kafka.describe("a log in Kafka", () => {
  const { log, cluster } = useTestLog(() => kafka.start(), { partitions: 2 });
  const write = (...ids: number[]) => log().write(...ids.map((id) => trade(id)));
  const read = (heard = new Heard()) => log().read(heard);

  it("says that a trade is lost which is too large for the log, and goes on", async () => {
    const writer = log().newWriter();
    await writer.open(0);
    writer.append(trade(1));
    writer.append({ ...trade(2), price: "9".repeat(2_000_000) });
    writer.append(trade(3));
    await writer.flushed();
    const written = (await log().records()).flatMap(({ type, value }) =>
      type === "marker" ? [] : [JSON.parse(value)],
    );
    const lost = { type: "gap", instrument: BTC, cause: "unreadable_frame", since: 1002, until: 1003, state: "lost" };
    expect(written).toMatchObject([{ id: "1" }, lost, { id: "3" }]);
    expect(writer.refused).toBe(1);
  });

  it("makes a topic anew that was deleted, and its readers follow into the new epoch", async () => {
    const writer = await write(1, 2, 3);
    const { heard } = await read();
    await until(() => heard.ids.length === 3);
    await deleteTopic(log().kafka, log().topic);
    writer.append(trade(4));
    await writer.flushed();
    await until(() => heard.ids.at(-1) === "4");
    expect([heard.ids, heard.epochs.length]).toEqual([["1", "2", "3", "4"], 2]);
  });

  it("writes what a broker that was away had in flight exactly once", async () => {
    const writer = await write();
    const { heard } = await read();
    const [node] = cluster().nodes;
    let id = 0;
    const more = (until: number) => {
      for (; id < until; id += 1) {
        writer.append(trade(id));
        writer.append(trade(100_000 + id, ETH));
      }
    };
    more(2000);
    await node?.kill();
    more(4000);
    await node?.start();
    more(4100);
    await writer.flushed();
    await until(() => heard.ids.length >= 8200);
    expect([heard.ids.length, new Set(heard.ids).size]).toEqual([8200, 8200]);
  });

  it("can be closed while the log can't be reached", async () => {
    log().settings = { ...log().settings, brokers: ["127.0.0.1:1"] };
    const writer = log().newWriter();
    const opening = expect(writer.open(0)).rejects.toThrow("taking the log over");
    const { reader } = await read();
    await Promise.all([writer.close(), reader.stop()]);
    await opening;
  });
});
