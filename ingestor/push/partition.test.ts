import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type WebSocket from "ws";
import { type TicksFrame, ticksFrame } from "../../protocol/ingest.ts";
import type { LogRecord } from "../log/log.ts";
import { EdgeClient } from "./edge-client.ts";
import { EdgeTotals } from "./edge-totals.ts";
import { Partition } from "./partition.ts";
import { RingMemory } from "./ring-memory.ts";
import { Semaphore } from "./semaphore.ts";

function status(offset: number): LogRecord {
  const origin = { kind: "status", incarnation: "e", term: 1 } as const;
  const value = JSON.stringify({ state: "live", source: "live", since: 1 });
  return { offset, logged: offset, key: "status", value, type: "status", origin };
}

function event(offset: number, key: string): LogRecord {
  return { ...status(offset), key, type: "trade", value: "{}" };
}

function newPartition(): Partition {
  return new Partition({
    exchange: "upbit",
    source: "live",
    partition: 0,
    edge: new EdgeClient({ url: "http://127.0.0.1:1", token: "", source: "live" }),
    semaphore: new Semaphore(),
    idleBatch: 30_000,
    parkBytes: 1000,
    totals: new EdgeTotals("upbit"),
    ringMemory: new RingMemory(1_000_000),
    logger: pino({ level: "silent" }),
    onBytes: () => undefined,
    onLack: () => undefined,
    // Nothing is dialled.
    registered: new Promise(() => undefined),
    confirmation: () => Promise.resolve(),
  });
}

describe("a partition that goes on from a commit", () => {
  const acked = { offset: 100, from: 50, last: new Map([["upbit:BTC-KRW", 90]]), recent: { after: 49, records: [] } };

  it("commits nothing before the feed that had acked something has said what it has", () => {
    const partition = newPartition();
    partition.open("upbit:BTC-KRW");
    partition.onResumed("a-0", acked, 0);
    expect([partition.next, partition.commitable()]).toEqual([100, undefined]);
    partition.onRecords("a-0", [status(100), event(101, "upbit:BTC-KRW")], 0);
    expect(partition.commitable()).toBeUndefined();
    const [link] = partition.links;
    link?.onMessage('{"op":"ready","epoch":"a-0","seq":90,"rates":[]}');
    expect(partition.commitable()).toEqual({ epoch: "a-0", offset: 101 });
  });

  it("knows what is expected of a feed that is opened later, but not in another epoch", () => {
    const partition = newPartition();
    partition.onResumed("a-0", acked, 0);
    partition.open("upbit:BTC-KRW");
    const [link] = partition.links;
    link?.onMessage('{"op":"ready","epoch":"a-0","seq":80,"rates":[]}');
    expect([link?.parked, link?.holds]).toEqual([true, 81]);
    partition.onRecords("b-0", [status(5), event(6, "upbit:BTC-KRW")], 0);
    expect([link?.parked, link?.holds]).toEqual([false, 6]);
  });
});

it("takes every feed over to another log, with its first record, whosever that is", () => {
  const partition = newPartition();
  partition.open("upbit:BTC-KRW");
  partition.onRecords("a-0", [status(100)], 0);
  const [link] = partition.links;
  const sent: TicksFrame[] = [];
  const wire = { bufferedAmount: 0, send: (text: string) => sent.push(ticksFrame.parse(JSON.parse(text))) };
  link?.opened(wire as unknown as WebSocket);
  link?.onMessage('{"op":"ready","epoch":"a-0","seq":90,"rates":["100ms"]}');
  partition.onGrid(1, ["100ms"]);
  expect(sent.splice(0)).toMatchObject([{ epoch: "a-0", prev: 90, through: 100, opens: 99, events: [] }]);
  partition.onRecords("a-0", [event(101, "upbit:BTC-KRW"), status(102)], 0);
  partition.onRecords("b-0", [status(2), status(3)], 0);
  partition.onGrid(2, ["100ms"]);
  expect(sent).toMatchObject([
    // What still waited of the old log goes out before it.
    { epoch: "a-0", prev: 90, seq: 101, through: 102, opens: 99, events: [{ seq: 101 }] },
    { epoch: "b-0", prev: 0, through: 3, opens: 1, events: [] },
  ]);
  // One that is listed later is told on its own.
  partition.open("upbit:ETH-KRW");
  const other = [...partition.links][1];
  other?.opened(wire as unknown as WebSocket);
  other?.onMessage('{"op":"ready","epoch":null,"seq":0,"rates":[]}');
  expect(sent.at(-1)).toMatchObject({ epoch: "b-0", prev: 0, through: 3 });
});

describe("a partition whose log becomes another one", () => {
  let partition: Partition;

  beforeEach(() => {
    partition = newPartition();
    partition.onRecords("a-0", [status(100)], 0);
    expect([partition.next, partition.commitable()]).toEqual([101, { epoch: "a-0", offset: 101 }]);
  });

  it("begins anew when the first that it hears of the new one is what has expired there", () => {
    partition.onExpired("b-0", { seq: 4, since: 1, until: 2 }, 0);
    partition.onRecords("b-0", [status(5)], 0);
    expect(partition.next).toBe(6);
  });

  it("takes a commit that comes back late for the old one's", () => {
    const commit = partition.commitable();
    partition.onRecords("b-0", [status(5)], 0);
    if (commit !== undefined) partition.onCommitted(commit);
    expect(partition.commitable()).toEqual({ epoch: "b-0", offset: 6 });
    partition.onCommitted({ epoch: "b-0", offset: 6 });
    expect(partition.commitable()).toBeUndefined();
  });
});
