/** What PROTOCOL.md §6 promises of what a relay sends. */

import { describe, expect, it } from "vitest";
import { ticker, trade } from "../testing/test-events.ts";
import { CheckingClient } from "./testing/checking-client.ts";
import { Log } from "./testing/random-steps.ts";
import { RelayWorld } from "./testing/relay-world.ts";

const BTC = "upbit:BTC-KRW";

describe("a reader of server-sent events", () => {
  /** A world with readers of the same streams, and every text that they were sent. */
  function reading(
    streams: readonly string[],
    readers = 1,
    partitions?: readonly string[],
  ): { world: RelayWorld; texts: string[] } {
    const world = new RelayWorld(1000);
    const texts: string[] = [];
    for (let i = 0; i < readers; i += 1) {
      const connection = world.connect(new CheckingClient(new Log().of), new Map(), false, "sse");
      world.onEvents = (text) => texts.push(text);
      world.subscribe(connection, streams);
    }
    for (const partition of partitions ?? world.feeds.keys()) world.open(partition);
    world.drain();
    return { world, texts };
  }
  const idsOf = (texts: readonly string[]) => texts.map((text) => /^id: (.*)$/m.exec(text)?.[1]);

  it("is told all its positions with each frame, whichever partition has moved", () => {
    const { world, texts } = reading(["*:BTC-*@trade@raw"]);
    expect(texts[0]).toMatch(/^event: control\ndata: {"op":"subscribed".*}\nid: upbit\/0-0:2,.*binance\/0-0:2\n\n$/);
    texts.length = 0;
    world.feeds.get("upbit/0")?.batch([(seq) => trade(seq, BTC), (seq) => trade(seq, BTC)], 0, []);
    world.drain();
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/^event: data\ndata: {.*}\n\nevent: data\ndata: {.*}\nid: .*\n\n$/);
    expect(idsOf(texts)).toEqual(["upbit/0-0:4,upbit/1-0:2,binance/0-0:2"]);
    world.core.tellPositions();
    expect(texts.at(-1)).toBe("id: upbit/0-0:4,upbit/1-0:2,binance/0-0:2\n\n");
  });

  it("shares the text of a frame with all who listen to the same", () => {
    const { world, texts } = reading([`${BTC}@trade@raw`], 2);
    texts.length = 0;
    world.feeds.get("upbit/0")?.batch([(seq) => trade(seq, BTC)], 0, []);
    world.drain();
    expect(texts).toHaveLength(2);
    expect(texts[0]).toBe(texts[1]);
  });

  it("has asked again for it what no feed answers for", () => {
    const { world, texts } = reading(["upbit:*-KRW@trade", "binance:*-*@trade"], 1, ["upbit/0", "upbit/1"]);
    world.core.settle(5000);
    expect(texts[0]).toContain('"failed":[{"requested":"binance:*-*@trade"');
    for (const now of [5001, 10_001]) world.core.settle(now);
    world.arrive();
    expect(texts.filter((text) => text.includes('"subscribed"'))[1]).toContain('"stream":"binance:*-*@trade@1s"');
    expect(idsOf(texts).at(-1)).toBe("upbit/0-0:2,upbit/1-0:2,binance/0-0:2");
  });

  it.each([
    [
      "would forget its position by staying",
      ["upbit:*-KRW@trade", "binance:*-*@trade"],
      { "upbit/0-0": 2, "binance/0-0": 2 },
    ],
    ["has nothing else", ["binance:*-*@ticker"], {}],
  ])("comes back for it where it %s", (_why, streams, from) => {
    const world = new RelayWorld(1000);
    const connection = world.connect(new CheckingClient(new Log().of), new Map(), false, "sse");
    world.subscribe(connection, streams, new Map(Object.entries(from)));
    for (const partition of ["upbit/0", "upbit/1"]) world.open(partition);
    world.drain();
    expect(connection.open).toBe(true);
    world.core.settle(5000);
    expect(connection.open).toBe(false);
  });

  it("that has no trade streams gets no id", () => {
    const { world, texts } = reading(["upbit:*-KRW@ticker@raw"]);
    world.feeds.get("upbit/0")?.batch([(seq) => ticker(seq, BTC)], 0, []);
    world.drain();
    world.core.tellPositions();
    expect(texts).toHaveLength(2);
    expect(idsOf(texts)).toEqual([undefined, undefined]);
  });
});
