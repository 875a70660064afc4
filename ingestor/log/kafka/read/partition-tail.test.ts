import type { KafkaMessage } from "kafkajs";
import { describe, expect, it } from "vitest";
import type { GapEvent, MarketEvent, TradeEvent } from "../../../../protocol/events.ts";
import { PartitionTail } from "./partition-tail.ts";

const INSTRUMENT = "upbit:BTC-KRW";
const PLENTY = 1_000_000;

function trade(id: number): TradeEvent {
  const rest = { price: "1", size: "1", side: "buy", time: 1000 + id, received: 2000 + id, snapshot: false } as const;
  return { type: "trade", instrument: INSTRUMENT, id: `${id}`, ...rest };
}
const gap = (since: number, state: GapEvent["state"]): GapEvent => {
  return { type: "gap", instrument: INSTRUMENT, cause: "exchange_disconnect", since, until: 9, state, received: null };
};

/** Records of one collector from an offset on, logged 5,000 ms after that number. */
function messages(
  from: number,
  ...values: (MarketEvent | { type: string; [field: string]: unknown })[]
): KafkaMessage[] {
  return values.map((value, i) => {
    const headers = { type: value.type, incarnation: "a", term: "1", count: "1" };
    const offset = from + i;
    const rest = { timestamp: `${5000 + offset}`, attributes: 0, offset: `${offset}`, headers };
    return { key: Buffer.from(INSTRUMENT), value: Buffer.from(JSON.stringify(value)), ...rest };
  });
}

describe("the tail of a partition", () => {
  const tailFrom = (start: number, limit = PLENTY) =>
    new PartitionTail({ partition: 0, low: 0, high: 100 }, start, limit);

  it("keeps trades and open gaps, and of tickers not even what they say", async () => {
    const tail = tailFrom(50);
    // Who reads one finds that it is no ticker of ours.
    const ticker = { type: "ticker", price: "none" };
    await tail.take(messages(50, trade(1), ticker, gap(1, "open"), gap(2, "open"), gap(1, "healed"), trade(2)));
    expect(tail.toTail()).toEqual({
      events: [gap(2, "open"), trade(1), trade(2)],
      completeFrom: 5050,
      completeUntil: 1002,
      unreadSince: 2,
    });
  });

  it.each([
    ["a gap", [gap(40, "open"), trade(1)], 40],
    ["what is being fetched", [trade(1), { type: "status", healing: 30 }], 30],
    ["what is suspected missing", [trade(1), { type: "status", healing: 30, doubted: 20 }], 20],
    ["a gap of this tail", [gap(11_000, "open"), trade(1)], undefined],
    ["what nobody fetches", [{ ...gap(40, "open"), cause: "not_collected" } as GapEvent, trade(1)], undefined],
  ])("says that it does not reach back to %s", async (_, values, unreadSince) => {
    const tail = tailFrom(50);
    await tail.take(messages(50, ...values));
    expect(tail.toTail().unreadSince).toBe(unreadSince);
    // Nothing stands before it.
    const whole = new PartitionTail({ partition: 0, low: 50, high: 100 }, 50, PLENTY);
    await whole.take(messages(50, ...values));
    expect(whole.toTail().unreadSince).toBeUndefined();
  });

  it("does not join what stands before it once it has forgotten trades", async () => {
    const tail = tailFrom(50, 1000);
    await tail.take(messages(50, gap(40, "open"), ...Array.from({ length: 10 }, (_, i) => trade(i))));
    expect(tail.toTail().unreadSince).toBeUndefined();
  });

  it("tells which gaps of before it leaves open", async () => {
    const tail = tailFrom(50);
    await tail.take(messages(50, gap(1, "healed"), gap(2, "lost"), gap(2, "open")));
    expect([1, 2, 3].map((since) => tail.leavesOpen(gap(since, "open")))).toEqual([false, true, true]);
  });

  it("goes by the last ticker's receipt where nothing was traded", async () => {
    const tail = tailFrom(50);
    await tail.take(messages(50, { type: "ticker", received: 7 }, { type: "ticker", received: 8 }));
    expect(tail.toTail().completeUntil).toBe(8);
  });

  it("says since when trades are being fetched, and since when some are suspected missing", async () => {
    const tail = tailFrom(50);
    await tail.take(messages(50, trade(1), { type: "status", healing: 3, doubted: 600 }));
    expect(tail.status).toEqual({ healing: 3, doubted: 600 });
    expect(tail.toTail().completeUntil).toBe(600);
  });

  it("holds no more than its bytes: of what it has forgotten it does not say that it is complete", async () => {
    const tail = tailFrom(0, 10_000);
    await tail.take(
      messages(0, { type: "marker" }, gap(1, "open"), ...Array.from({ length: 500 }, (_, i) => trade(i))),
    );
    const { events, completeFrom, completeUntil } = tail.toTail();
    expect(tail.bytes).toBeLessThanOrEqual(10_000);
    const kept = events.filter((event) => event.type === "trade");
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.at(-1)?.id).toBe("499");
    // The first one that is kept stands at the offset two above its id.
    expect(completeFrom).toBe(5002 + Number(kept[0]?.id));
    expect([events[0], completeUntil]).toEqual([gap(1, "open"), 1499]);
  });

  it("forgets last what is to be fetched, and says of the others that it did", async () => {
    const other = "upbit:ETH-KRW";
    const tail = new PartitionTail({ partition: 0, low: 0, high: 5000 }, 0, 20_000, new Set([INSTRUMENT]));
    const both = (i: number) => [trade(i), { ...trade(i), instrument: other }];
    await tail.take(messages(0, { type: "marker" }, ...Array.from({ length: 60 }, (_, i) => both(i)).flat()));
    const idsOf = (name: string) =>
      tail.toTail().events.flatMap((event) => (event.type === "trade" && event.instrument === name ? [event.id] : []));
    expect([idsOf(INSTRUMENT).length, tail.toTail().completeFrom]).toEqual([60, 0]);
    const [first] = idsOf(other);
    expect(tail.completeFor.get(INSTRUMENT)).toBeUndefined();
    // All that stand behind are kept: trades with this number stand at about twice of it, logged 5,000 ms after that.
    expect(tail.completeFor.get(other)).toBeGreaterThanOrEqual(5000 + 2 * Number(first));
    expect(tail.bytes).toBeLessThanOrEqual(20_000);
  });

  it("holds no more than its bytes even where all is to be fetched", async () => {
    const tail = new PartitionTail({ partition: 0, low: 0, high: 5000 }, 0, 10_000, new Set([INSTRUMENT]));
    await tail.take(messages(0, { type: "marker" }, ...Array.from({ length: 500 }, (_, i) => trade(i))));
    const { events, completeFrom } = tail.toTail();
    const [first] = events;
    expect([tail.bytes <= 10_000, events.at(-1)]).toEqual([true, trade(499)]);
    expect(completeFrom).toBe(5001 + Number(first?.type === "trade" && first.id));
  });

  it("lets others have their turn while it takes much in", async () => {
    const tail = tailFrom(50);
    let turns = 0;
    const turn = () => {
      turns += 1;
      handle = setImmediate(turn);
    };
    let handle = setImmediate(turn);
    await tail.take(messages(50, ...Array.from({ length: 5000 }, (_, i) => trade(i))));
    clearImmediate(handle);
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  it("leaves out what another collector's marker has made void", async () => {
    const tail = tailFrom(50);
    const [marker] = messages(51, { type: "marker" });
    const newer = { ...marker?.headers, term: "2" };
    await tail.take(messages(50, trade(1)));
    if (marker !== undefined) await tail.take([{ ...marker, headers: newer } as KafkaMessage]);
    await tail.take(messages(52, trade(2)));
    expect(tail.authority).toEqual({ incarnation: "a", term: 2 });
    expect(tail.toTail().events).toEqual([trade(1)]);
  });
});
