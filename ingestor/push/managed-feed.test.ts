import { EventEmitter } from "node:events";
import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type WebSocket from "ws";
import { type PublisherFrame, publisherFrame } from "../../protocol/ingest.ts";
import { EdgeTotals } from "./edge-totals.ts";
import { FeedLink } from "./feed-link.ts";
import { ManagedFeed } from "./managed-feed.ts";

class Wire extends EventEmitter {
  bufferedAmount = 0;
  readonly sent: PublisherFrame[] = [];

  send(text: string): void {
    this.sent.push(publisherFrame.parse(JSON.parse(text)));
  }
}

const NOW = Date.now();

describe("a managed feed", () => {
  let wire: Wire;
  let link: FeedLink;
  let reconnecting: { refusedSince: number | undefined; closed: boolean; close(): void };
  let feed: ManagedFeed;

  beforeEach(() => {
    wire = new Wire();
    const nothing = () => undefined;
    const status = JSON.stringify({ state: "live", source: "live", since: 1, asOf: 1 });
    link = new FeedLink({
      instrument: "upbit:BTC-KRW",
      partition: 0,
      idleBatch: 30_000,
      parkBytes: 10_000,
      view: () => ({ epoch: "e-0", asOf: 5, opens: 1, next: 2, status }),
      logger: pino({ level: "silent" }),
      onBytes: nothing,
      counted: new EdgeTotals("upbit").source("symbol_feed"),
      onLack: nothing,
      onReplaced: nothing,
    });
    link.enter("e-0", NOW);
    reconnecting = {
      refusedSince: undefined,
      closed: false,
      close() {
        this.closed = true;
      },
    };
    feed = new ManagedFeed(link, reconnecting);
  });

  function connect(): void {
    link.opened(wire as unknown as WebSocket);
    link.onMessage('{"op":"ready","epoch":null,"seq":0,"rates":[]}');
    wire.sent.splice(0);
  }
  const take = (offset: number) => {
    const origin = { kind: "event", incarnation: "e", term: 1 } as const;
    link.take("e-0", { offset, logged: 5, key: "upbit:BTC-KRW", value: "{}", type: "trade", origin }, NOW);
  };
  const ops = () => wire.sent.splice(0).map(({ op }) => op);

  it("sends what came after the list too, before it retires", () => {
    connect();
    feed.list();
    feed.unlist(NOW);
    take(7);
    expect([ops(), feed.retire(NOW + 1500), ops()]).toEqual([[], false, ["ticks"]]);
    link.onMessage('{"op":"ack","epoch":"e-0","seq":7,"dirty":false}');
    expect([feed.retire(NOW + 1600), ops()]).toEqual([true, ["retired"]]);
  });

  it("sends at once what waits when it leaves the list, and retires when that and what was on its way are acked", () => {
    connect();
    feed.list();
    take(7);
    expect(ops()).toEqual([]);
    feed.unlist(NOW);
    expect([ops(), feed.retire(NOW)]).toEqual([["ticks"], false]);
    link.onMessage('{"op":"ack","epoch":"e-0","seq":7,"dirty":false}');
    expect(feed.retire(NOW + 1000)).toBe(false);
    expect([feed.retire(NOW + 1500), ops()]).toEqual([true, ["retired"]]);
  });

  it("waits five seconds for the ack, however often it is told that it is not listed", () => {
    connect();
    feed.list();
    take(7);
    for (const at of [0, 2000, 4000]) feed.unlist(NOW + at);
    expect(feed.retire(NOW + 4999)).toBe(false);
    expect(feed.retire(NOW + 5000)).toBe(true);
  });

  it("waits until the feed is there to be told", () => {
    feed.list();
    feed.unlist(NOW);
    expect(feed.retire(NOW + 60_000)).toBe(false);
    connect();
    expect(feed.retire(NOW + 60_000)).toBe(true);
  });

  it("stays when it was never listed, or is listed again", () => {
    connect();
    feed.unlist(NOW);
    expect(feed.retire(NOW + 60_000)).toBe(false);
    feed.list();
    feed.unlist(NOW);
    feed.list();
    expect([feed.retire(NOW + 60_000), ops()]).toEqual([false, []]);
  });

  it("is refused for good after a minute of nothing else", () => {
    expect(feed.refusedForGood(NOW)).toBe(false);
    reconnecting.refusedSince = NOW;
    expect([feed.refusedForGood(NOW + 59_999), feed.refusedForGood(NOW + 60_000)]).toEqual([false, true]);
  });

  it("closes both ends", () => {
    take(7);
    feed.close();
    expect([link.bytes, reconnecting.closed]).toEqual([0, true]);
  });
});
