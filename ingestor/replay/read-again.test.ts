import { describe, expect, it } from "vitest";
import { FrameError, type Parsed } from "../exchanges/exchange.ts";
import type { RawRecord } from "./raw-record.ts";
import { readAgain } from "./read-again.ts";
import { INSTRUMENT, tickerEvent, tradeEvent } from "./test-events.ts";

const frame: RawRecord = { text: "x", received: 7, connection: "a", logged: 8, where: "line 1" };
const body = { ...frame, instrument: INSTRUMENT };
const none = { read: () => [] };
const bad = () => {
  throw new FrameError("price: a number", [tickerEvent()]);
};

describe("a frame", () => {
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

describe("a body", () => {
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
