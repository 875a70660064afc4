import type { KafkaMessage } from "kafkajs";
import { describe, expect, it, test } from "vitest";
import { FrameError, type Parsed } from "../../exchanges/exchange.ts";
import { INSTRUMENT, tickerEvent, tradeEvent } from "../test-events.ts";
import { type RawRecord, rawRecord, readAgain } from "./raw-record.ts";

function message(headers: Record<string, string>): KafkaMessage {
  return { key: null, value: Buffer.from("{}"), timestamp: "1011", attributes: 0, offset: "7", headers };
}

const record = { text: "{}", received: 1010, logged: 1011, where: "partition 3, offset 7" };

test("a frame", () => {
  const read = rawRecord(message({ received: "1010", connection: "c", kind: "frame" }), 3);
  expect(read).toEqual({ ...record, connection: "c" });
});

test("a body says about which instrument it is", () => {
  const headers = { received: "1010", connection: "rest", kind: "rest", instrument: "upbit:BTC-KRW", path: "/v1" };
  expect(rawRecord(message(headers), 3)).toEqual({ ...record, connection: "rest", instrument: "upbit:BTC-KRW" });
});

test("what a record does not say, or says wrongly, is not known", () => {
  expect(rawRecord(message({}), 3)).toEqual({ ...record, received: null, connection: null });
  expect(rawRecord(message({ received: "noon" }), 3).received).toBeNull();
});

test("what was left out is told of, whatever it would have been", () => {
  const omission = { kind: "omission", reason: "too large", frames: "1", bytes: "9000000", until: "1010" };
  const headers = { received: "1010", order: "1010003", connection: "c", ...omission };
  expect(rawRecord(message(headers), 3)).toEqual({
    ...record,
    connection: "c",
    order: 1_010_003,
    omission: "left out of the raw log (too large): 1 frames, 9000000 bytes",
  });
});

const frame: RawRecord = { text: "x", received: 7, connection: "a", logged: 8, where: "line 1" };
const body = { ...frame, instrument: INSTRUMENT };
const none = { read: () => [] };
const bad = () => {
  throw new FrameError("price: a number", [tickerEvent()]);
};

describe("a frame, read again,", () => {
  it("gives what the parser makes of its text", () => {
    const parse = (text: string, received: number | null): Parsed => {
      return { kind: "events", events: [tradeEvent({ id: text, received })] };
    };
    expect(readAgain(frame, parse, none)).toEqual({ events: [tradeEvent({ id: "x", received: 7 })] });
    expect(readAgain(frame, () => ({ kind: "ignored" }), none)).toEqual({ events: [] });
  });

  it("that can't be read gives what is sound of it, and the reason", () => {
    expect(readAgain(frame, bad, none)).toEqual({ events: [tickerEvent()], bad: "price: a number" });
  });
});

describe("a body, read again,", () => {
  it("gives late trades, received when it was", () => {
    const read = (text: string, instrument: string) => [tradeEvent({ id: text, instrument, received: null })];
    expect(readAgain(body, bad, { read })).toEqual({ events: [tradeEvent({ id: "x", received: 7, late: true })] });
  });

  it("that can't be read gives nothing but the reason", () => {
    expect(readAgain(body, bad, { read: bad })).toEqual({ events: [], bad: "price: a number" });
  });
});

it("what was left out of the raw log can't be read", () => {
  expect(readAgain({ ...frame, omission: "left out" }, bad, none)).toEqual({ events: [], bad: "left out" });
});

it("a fault of the parser itself is none of the frame's", () => {
  const parse = () => {
    throw new TypeError("oops");
  };
  expect(() => readAgain(frame, parse, none)).toThrow(TypeError);
});
