/** What a takeover leaves to be read while others work, against a real Kafka; each test has topics of its own. */

import { beforeEach, expect, it } from "vitest";
import { deleteTopic } from "../../../../local/kafka/delete-topic.ts";
import { requireKafka } from "../../../../local/testing.ts";
import type { GapEvent, TradeEvent } from "../../../../protocol/events.ts";
import type { EarlierTail, Tail } from "../../log.ts";
import { type Draft, eventDraft, markerDraft, statusDraft, toMessage } from "../records.ts";
import { BTC, trade as tradeOf, useTestLog } from "../testing.ts";
import type { KafkaWriter } from "../write/writer.ts";

const kafka = await requireKafka();
const HOUR = 3_600_000;
/** Records of a partition's end that a takeover reads, unless they are of the last seconds. */
const TAIL = 5000;
const STATUS = { state: "live", source: "live", since: 1 } as const;

kafka.describe("what stands before the tails of a takeover", () => {
  const { log } = useTestLog(() => kafka.start(), { partitions: 1 });
  let begun: number;
  beforeEach(() => {
    begun = Date.now() - HOUR;
  });

  const trade = (id: number): TradeEvent => ({ ...tradeOf(id), time: begun + id, received: begun + id });
  const gap = (since: number, state: GapEvent["state"] = "open"): GapEvent => {
    const rest = { cause: "exchange_disconnect", since, until: since + 1, received: null } as const;
    return { type: "gap", instrument: BTC, state, ...rest };
  };
  const trades = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => eventDraft(trade(from + i)));
  const healing = () => statusDraft({ ...STATUS, healing: begun });
  const idsOf = ({ events }: Pick<Tail, "events">) =>
    events.flatMap((event) => (event.type === "trade" ? [Number(event.id)] : []));
  const gapsOf = ({ events }: Pick<Tail, "events">) => events.filter((event) => event.type === "gap");
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  async function open(): Promise<{ writer: KafkaWriter; tail: Tail }> {
    const writer = log().newWriter();
    const [tail] = await writer.open(0);
    if (tail === undefined) throw new Error("a log has a partition");
    return { writer, tail };
  }
  async function readBack(writer: KafkaWriter, signal = new AbortController().signal): Promise<EarlierTail[]> {
    const told: EarlierTail[] = [];
    await writer.readBack(async (_, earlier) => void told.push(earlier), signal);
    return told;
  }
  const statuses = async () =>
    (await log().records()).flatMap(({ type, value }) => (type === "status" ? [JSON.parse(value)] : []));

  /** Writes a log as collectors of these terms have done an hour ago, ten records a second. */
  async function wrote(...parts: readonly (readonly [term: number, ...drafts: Draft[]])[]): Promise<void> {
    const { topic, kafka: client } = log();
    const producer = client.producer();
    await producer.connect();
    // With the times of its records, and not those at which they are written.
    const configEntries = [{ name: "message.timestamp.type", value: "CreateTime" }];
    await log().onAdmin((admin) => admin.createTopics({ topics: [{ topic, configEntries }], waitForLeaders: true }));
    let offset = 0;
    for (const [term, ...drafts] of [[1, markerDraft(), markerDraft()] as const, ...parts]) {
      const messages = drafts.map((draft, i) => {
        const message = toMessage(draft, { incarnation: "old", term }, 0, i);
        offset += 1;
        return { ...message, timestamp: `${begun + offset * 100}` };
      });
      for (let i = 0; i < messages.length; i += 2000)
        await producer.send({ topic, messages: messages.slice(i, i + 2000) });
    }
    await producer.disconnect();
  }

  it("is told once collecting has begun, and joins the tail to a record", async () => {
    await wrote([1, eventDraft(gap(begun)), ...trades(0, 20_000), healing()]);
    const { writer, tail } = await open();
    expect(tail.unreadSince).toBe(begun);
    expect(idsOf(tail).length).toBeLessThan(TAIL);
    writer.append(trade(20_000));
    await writer.flushed();
    const [earlier, ...more] = await readBack(writer);
    expect(more).toEqual([]);
    expect([...idsOf(earlier ?? tail), ...idsOf(tail)]).toEqual(numbers(0, 20_000));
    expect(gapsOf(earlier ?? tail)).toEqual([gap(begun)]);
    expect(earlier?.completeFrom).toBeLessThanOrEqual(begun);
    expect(await readBack(writer)).toEqual([]);
  });

  it("is left to the successor of whoever dies while reading it", async () => {
    await wrote([1, eventDraft(gap(begun)), ...trades(0, 20_000), healing()]);
    const first = await open();
    const dying = new AbortController();
    // Nothing is being fetched as far as this collector knows.
    first.writer.announce(STATUS);
    await first.writer.flushed();
    expect((await statuses()).at(-1)).toEqual({ ...STATUS, healing: begun });
    const told = readBack(first.writer, dying.signal);
    dying.abort();
    expect(await told).toEqual([]);
    await first.writer.close();
    const { writer, tail } = await open();
    expect(tail.unreadSince).toBe(begun);
    const [earlier] = await readBack(writer);
    expect(gapsOf(earlier ?? tail)).toEqual([gap(begun)]);
    // Read, and closed.
    writer.append(gap(begun, "healed"));
    writer.announce(STATUS);
    await writer.flushed();
    expect((await statuses()).at(-1)).toEqual(STATUS);
  });

  it("tells neither of void records nor of gaps that end in the tail", async () => {
    await wrote(
      [1, eventDraft(gap(begun)), eventDraft(gap(begun + 1)), ...trades(0, 100)],
      [2, markerDraft()],
      [1, ...trades(100, 200)],
      [2, ...trades(200, 8000), eventDraft(gap(begun + 1, "healed")), healing()],
    );
    const { writer, tail } = await open();
    const [earlier] = await readBack(writer);
    expect([...idsOf(earlier ?? tail), ...idsOf(tail)]).toEqual([...numbers(0, 100), ...numbers(200, 8000)]);
    expect(gapsOf(earlier ?? tail)).toEqual([gap(begun)]);
  });

  it("is nothing once the topic has been made anew", async () => {
    await wrote([1, eventDraft(gap(begun)), ...trades(0, 6000), healing()]);
    const { writer, tail } = await open();
    expect(tail.unreadSince).toBe(begun);
    await deleteTopic(log().kafka, log().topic);
    // It grows past where the tail began.
    for (let id = 10_000; id < 18_000; id += 1) writer.append(trade(id));
    await writer.flushed();
    expect(await readBack(writer)).toEqual([{ events: [], completeFrom: Number.POSITIVE_INFINITY }]);
  });
});
