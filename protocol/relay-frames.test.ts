import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "./errors.ts";
import {
  decodeRelayFrame,
  encodeLine,
  encodeRelayFrame,
  type ItemLine,
  type RelayHead,
  relayRequest,
} from "./relay-frames.ts";

const seq = fc.maxSafeNat();
const line: fc.Arbitrary<ItemLine> = fc
  .record({
    stream: fc.constantFrom("upbit:BTC-KRW@trade@raw", "binance:币安人生-USDT@ticker@1s"),
    prev: seq,
    range: fc.tuple(seq, seq),
    item: fc.jsonValue(),
  })
  .map(({ range: [a, b], item, ...rest }) => ({
    ...rest,
    first: Math.min(a, b),
    seq: Math.max(a, b),
    text: JSON.stringify(item),
  }));
const through = fc.record({ raw: seq, "100ms": seq, "1s": seq });
const id = fc.nat();
const epoch = fc.string();
const head: fc.Arbitrary<RelayHead> = fc.oneof(
  fc.record({ op: fc.constant("lines" as const), epoch, through }),
  fc.record({ op: fc.constant("epoch" as const), epoch, start: seq }),
  fc.record({ op: fc.constant("gone" as const), instruments: fc.array(fc.string()) }),
  fc.record({
    op: fc.constant("wanted" as const),
    id,
    epoch: fc.option(epoch),
    start: seq,
    through,
    more: fc.boolean(),
  }),
  fc.record({
    op: fc.constant("replay" as const),
    id,
    epoch,
    through: seq,
    oldest: seq,
    more: fc.boolean(),
    recovered: fc.constantFrom(true as const, "too_old" as const, "epoch_changed" as const),
  }),
);

describe("frames of a feed", () => {
  it("are read as they were written, whatever the items say", () => {
    fc.assert(
      fc.property(head, fc.array(line), (head, lines) => {
        expect(decodeRelayFrame(encodeRelayFrame(head, lines.map(encodeLine)))).toEqual({ head, lines });
      }),
    );
  });

  it("that are cut off or garbled are refused, or read as fewer items, but never break the reader", () => {
    const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), drop: fc.nat(20), put: fc.string() });
    fc.assert(
      fc.property(head, fc.array(line), change, (head, lines, { at, drop, put }) => {
        const text = encodeRelayFrame(head, lines.map(encodeLine));
        const cut = Math.floor(at * text.length);
        try {
          decodeRelayFrame(text.slice(0, cut) + put + text.slice(cut + drop));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 500 },
    );
  });

  const HEAD = '{"op":"lines","epoch":"e","through":{"raw":1,"100ms":1,"1s":1}}';
  it.each([
    "",
    "{}",
    '{"op":"lines"}',
    `${HEAD}\n`,
    `${HEAD}\na\t1\t2\t3`,
    `${HEAD}\na\t1\t2\t3\na\t1\t2\t3\t{}`,
    `${HEAD}\na\t1\t3\t2\t{}`,
    `${HEAD}\na\t-1\t2\t3\t{}`,
    `${HEAD}\na\tx\t2\t3\t{}`,
    `${HEAD}\na\t\t2\t3\t{}`,
    `${HEAD}\na\t1e1\t2\t3\t{}`,
    `${HEAD}\na\t1\t2\t9007199254740993\t{}`,
  ])("are not %j", (text) => {
    expect(() => decodeRelayFrame(text)).toThrow(ProtocolError);
  });
});

it.each([
  { op: "want", id: 1, add: ["upbit:*-KRW@trade@raw"], drop: [] },
  { op: "next", id: 2 },
  { op: "cancel", id: 2 },
  { op: "replay", id: 2, epoch: "e", from: 7, streams: ["upbit:BTC-KRW@trade@1s"] },
])("a relay may ask %j", (request) => {
  expect(relayRequest.parse(request)).toEqual(request);
});
