import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { TradeEvent } from "../../protocol/events.ts";
import { FrameError, type Parsed } from "./exchange.ts";
import { amount, integer, milliseconds, orNull, readFields, readJson, readList, signed } from "./frames.ts";

const fields = z.object({ a: amount, s: orNull(signed), t: orNull(milliseconds), n: orNull(integer) });

describe("fields", () => {
  it("come as decimals, times and ids", () => {
    const frame = readJson('{"a":1.16539E8,"s":"-0.50","t":1700000000123,"n":17853950411240001}');
    expect(readFields(fields, frame)).toEqual({
      a: "116539000",
      s: "-0.5",
      t: 1700000000123,
      n: "17853950411240001",
    });
    expect(readFields(fields, { a: "0E-8", s: null })).toEqual({ a: "0", s: null, t: null, n: null });
  });

  it.each([
    [{}, "a: missing, must be a number of 0 or more"],
    [{ a: "-1" }, "a: not a number of 0 or more"],
    [{ a: "-0" }, "a: not a number of 0 or more"],
    [{ a: null }, "a: not a number of 0 or more"],
    [{ a: 1 }, "a: not a number of 0 or more"],
    [{ a: "007" }, "a: not a number of 0 or more"],
    [{ a: "1", s: "" }, "s: not a number"],
    [{ a: "1", t: "1700000000" }, "t: not milliseconds since 1970"],
    [{ a: "1", t: "1700000000123000" }, "t: not milliseconds since 1970"],
    [{ a: "1", n: "1.5" }, "n: not an integer"],
    [{ a: "?", n: "01" }, "a: not a number of 0 or more; n: not an integer"],
  ])("%j: %s", (frame, message) => {
    expect(() => readFields(fields, frame)).toThrow(new FrameError(message));
  });

  it("are named as the frame spells them", () => {
    expect(() => readFields(fields, {}, (key) => `${key}!`)).toThrow(/^a!: missing/);
  });
});

describe("a list", () => {
  const event = (id: string): TradeEvent => ({
    ...{ type: "trade", instrument: "x:A-B", id, price: "1", size: "1", side: "buy", time: 1, received: null },
    snapshot: false,
  });
  const read = (item: unknown): Parsed => {
    if (item === "bad") throw new FrameError("price: bad");
    if (item === "quiet") return { kind: "ignored" };
    if (item === "no") return { kind: "refused", message: "no" };
    return { kind: "events", events: [event(String(item))], lastTradeIds: new Map([[`x:${item}`, String(item)]]) };
  };

  it("gives the events of its items and the newest trades that they name", () => {
    expect(readList(["1", "quiet", "2"], "data", read)).toEqual({
      kind: "events",
      events: [event("1"), event("2")],
      lastTradeIds: new Map([
        ["x:1", "1"],
        ["x:2", "2"],
      ]),
    });
    for (const empty of [[], ["quiet"]]) expect(readList(empty, "", read)).toEqual({ kind: "ignored" });
  });

  it("is the answer that it holds", () => {
    expect(readList(["1", "no"], "", read)).toEqual({ kind: "refused", message: "no" });
  });

  it("loses nothing but its bad items", () => {
    const error = new FrameError("data[1] price: bad; data[3] price: bad", [event("1"), event("2")]);
    expect(() => readList(["1", "bad", "2", "bad"], "data", read)).toThrow(error);
    expect(() => readList(["bad"], "", read)).toThrow("[0] price: bad");
  });

  it("hides no fault of ours", () => {
    const broken = () => {
      throw new TypeError("broken");
    };
    expect(() => readList([1], "", broken)).toThrow(TypeError);
  });
});

it("says what is no JSON", () => {
  expect(() => readJson("PONG")).toThrow(FrameError);
  expect(() => readJson("PONG")).toThrow(/^not JSON: /);
});
