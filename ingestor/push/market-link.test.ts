import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import type WebSocket from "ws";
import { type MarketFrame, marketFrame } from "../../protocol/ingest.ts";
import type { LogRecord } from "../log/log.ts";
import { MarketLink } from "./market-link.ts";

const STATUS = { source: "simulated" } as const;

class Wire extends EventEmitter {
  bufferedAmount = 0;
  readonly sent: MarketFrame[] = [];

  send(text: string): void {
    this.sent.push(marketFrame.parse(JSON.parse(text)));
  }
}

function opened(link: MarketLink): Wire {
  const wire = new Wire();
  link.opened(wire as unknown as WebSocket);
  return wire;
}

function ticker(offset: number, key: string): LogRecord {
  const origin = { kind: "event", incarnation: "e", term: 1 } as const;
  const value = JSON.stringify({ type: "ticker", instrument: key, price: "1", time: 5, received: 6 });
  return { offset, logged: 7, key, value, type: "ticker", origin };
}

const span = (asOf: number, epoch = "e-0") => ({ epoch, readFrom: 7, asOf });
const content = ({ tickers, gone }: MarketFrame) => [tickers.map(({ instrument, seq }) => [instrument, seq]), gone];

it("sends what has changed, everything after a resend, and on a new socket", () => {
  const link = new MarketLink(() => undefined);
  link.take("e-0", ticker(1, "a"));
  link.send(span(9), STATUS);
  const wire = opened(link);
  link.take("e-0", ticker(2, "b"));
  link.send(span(10), STATUS);
  link.take("e-0", ticker(3, "b"));
  link.send(span(11), STATUS);
  link.onMessage('{"op":"resend"}');
  link.send(span(12), STATUS);
  const all = [
    ["a", 1],
    ["b", 3],
  ];
  expect(wire.sent.map(({ tickers }) => tickers.map(({ instrument, seq }) => [instrument, seq]))).toEqual([
    [
      ["a", 1],
      ["b", 2],
    ],
    [["b", 3]],
    all,
  ]);
  expect(wire.sent.at(-1)).toMatchObject({ epoch: "e-0", asOf: 12, tickers: [{ source: "simulated" }, {}] });
});

it("sends nothing into a socket that is full, and afterwards only the newest of each", () => {
  const link = new MarketLink(() => undefined);
  const wire = opened(link);
  wire.bufferedAmount = 5_000_000;
  for (const offset of [1, 2, 3]) {
    link.take("e-0", ticker(offset, "a"));
    link.send(span(8 + offset), STATUS);
  }
  expect(wire.sent).toEqual([]);
  wire.bufferedAmount = 0;
  link.send(span(12), STATUS);
  expect(wire.sent.map((frame) => [content(frame), frame.asOf])).toEqual([[[[["a", 3]], []], 12]]);
});

it("says from when on it tells everything: from where it began to read, or from its last frame on the same socket", () => {
  const link = new MarketLink(() => undefined);
  const wire = opened(link);
  for (const asOf of [9, 10]) link.send(span(asOf), STATUS);
  link.onMessage('{"op":"resend"}');
  for (const asOf of [11, 12]) link.send(span(asOf), STATUS);
  link.send(span(13, "f-0"), STATUS);
  const second = opened(link);
  link.send(span(14, "f-0"), STATUS);
  expect([...wire.sent, ...second.sent].map(({ from, asOf }) => [from, asOf])).toEqual([
    [7, 9],
    [9, 10],
    [7, 11],
    [11, 12],
    [7, 13],
    [7, 14],
  ]);
});

it("says once what is no longer collected, as soon as it can, and forgets it", () => {
  const link = new MarketLink(() => undefined);
  link.take("e-0", ticker(1, "a"));
  link.take("e-0", ticker(2, "b"));
  link.forget("a");
  link.send(span(9), STATUS);
  const wire = opened(link);
  for (let i = 0; i < 2; i += 1) link.send(span(9), STATUS);
  expect(wire.sent.map(content)).toEqual([
    [[["b", 2]], ["a"]],
    [[], []],
  ]);
});

it("does not call gone what is back already", () => {
  const link = new MarketLink(() => undefined);
  link.take("e-0", ticker(1, "a"));
  link.forget("a");
  link.take("e-0", ticker(2, "a"));
  const wire = opened(link);
  link.send(span(9), STATUS);
  expect(wire.sent.map(content)).toEqual([[[["a", 2]], []]]);
});

it("tells when it is replaced", () => {
  let replaced = 0;
  const link = new MarketLink(() => {
    replaced += 1;
  });
  link.onMessage('{"op":"replaced"}');
  expect(replaced).toBe(1);
  expect(() => link.onMessage('{"op":"dance"}')).toThrow();
});
