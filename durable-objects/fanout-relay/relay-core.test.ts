/** The promises of PROTOCOL.md §3 to §5 on connections of many streams, searched for faults: seeded, bounded. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MultiServerFrame, multiServerFrame } from "../../protocol/multi-stream-frames.ts";
import { gap, ticker, trade } from "../testing/test-events.ts";
import { CheckingClient } from "./testing/checking-client.ts";
import { Log, play, ring, step, Visitor } from "./testing/random-steps.ts";
import { type Connection, RelayWorld } from "./testing/relay-world.ts";

const BTC = "upbit:BTC-KRW";

/** A world of which one client's frames are kept. */
function watched(): { world: RelayWorld; log: Log; connection: Connection; frames: MultiServerFrame[] } {
  const world = new RelayWorld(1000);
  const log = new Log();
  const frames: MultiServerFrame[] = [];
  const connection = world.connect(new CheckingClient(log.of), new Map(), false);
  world.tamper = (text, to) => {
    if (to === connection) frames.push(multiServerFrame.parse(JSON.parse(text)));
    return text;
  };
  return { world, log, connection, frames };
}

const dataOf = (frames: readonly MultiServerFrame[]) => frames.flatMap((frame) => (frame.op === "data" ? [frame] : []));

describe("every client of a relay", () => {
  it("has each trade once, in order, and is told no position too early: clients, links and feeds at random", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), ring, (steps, ring) => {
        const world = new RelayWorld(ring);
        const log = new Log();
        const visitors = [new Visitor(log), new Visitor(log, "sse"), new Visitor(log, "sse")];
        play(steps, world, log, visitors);
        world.settle();
        for (const { client, connection } of visitors) if (connection?.open) expect(client.missing()).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  const faults: Readonly<Record<string, (text: string, nth: number) => string | undefined>> = {
    "an item": (text, nth) => {
      const frame = JSON.parse(text);
      if (frame.op !== "data" || nth !== 1) return text;
      return JSON.stringify({ ...frame, data: frame.data.slice(1) });
    },
    "a frame": (text, nth) => (nth === 1 ? undefined : text),
    "an instrument": (text) => {
      const frame = JSON.parse(text);
      if (frame.op !== "data") return text;
      return JSON.stringify({
        ...frame,
        data: frame.data.filter((item: { instrument: string }) => item.instrument !== BTC),
      });
    },
  };
  it.each(Object.entries(faults))("finds %s that is left out", (_what, tamper) => {
    const { world, log, connection } = watched();
    world.subscribe(connection, ["upbit:*-*@trade@raw"]);
    world.arrive();
    let nth = 0;
    world.tamper = (text) => {
      if (text.includes('"trades":')) nth += 1;
      return tamper(text, text.includes('"trades":') ? nth : 0);
    };
    const [feed] = world.feeds.values();
    const logged = (seq: number) => {
      const event = trade(seq, BTC);
      log.add(feed?.epoch ?? "", event);
      return event;
    };
    expect(() => {
      for (let i = 0; i < 3; i += 1) feed?.batch([logged], 0, []);
      world.drain();
      world.settle();
      expect(connection.client.missing()).toEqual([]);
    }).toThrow();
  });
});

describe("a connection of many streams", () => {
  it("gets what is due in a slot as one frame, an item of several subscriptions once, and the positions with it", () => {
    const { world, connection, frames } = watched();
    world.subscribe(connection, [`${BTC}@trade`, "upbit:*-KRW@trade@100ms", "*:*-*@ticker@1s"]);
    world.arrive();
    frames.length = 0;
    for (const partition of ["upbit/0", "binance/0"]) {
      const instruments = partition === "upbit/0" ? [BTC, "upbit:ETH-KRW"] : ["binance:BTC-USDT"];
      const events = instruments.flatMap((one) => [
        (seq: number) => trade(seq, one),
        (seq: number) => ticker(seq, one),
      ]);
      world.feeds.get(partition)?.batch(events, 0, ["100ms", "1s"]);
      world.pump(partition, 10);
    }
    world.core.endSlot(0);
    expect(dataOf(frames)).toHaveLength(1);
    expect(
      dataOf(frames)[0]
        ?.data.map(({ stream }) => stream)
        .sort(),
    ).toEqual([
      "binance:BTC-USDT@ticker@1s",
      `${BTC}@ticker@1s`,
      `${BTC}@trade@100ms`,
      "upbit:ETH-KRW@ticker@1s",
      "upbit:ETH-KRW@trade@100ms",
    ]);
    expect(dataOf(frames)[0]?.positions).toEqual({ "upbit/0-0": 6 });
  });

  it("shares the text of a frame with all who listen to the same, and keeps `raw` waiting for nothing", () => {
    const { world } = watched();
    const others = [1, 2].map(() => world.connect(new CheckingClient(new Log().of), new Map(), false));
    for (const other of others) world.subscribe(other, [`${BTC}@trade@raw`]);
    world.arrive();
    const sent: string[] = [];
    world.tamper = (text) => {
      sent.push(text);
      return undefined;
    };
    world.feeds.get("upbit/0")?.batch([(seq) => trade(seq, BTC)], 0, []);
    world.pump("upbit/0", 10);
    expect(sent).toHaveLength(2);
    expect(sent[0]).toBe(sent[1]);
  });

  it("is answered once, with what worked and what failed", () => {
    const { world, connection, frames } = watched();
    world.subscribe(connection, [
      "upbit:BTC-KRW@trade",
      "upbit:BTC-KRW@trade@100ms",
      "upbit:DOGE-KRW@trade",
      "upbit:BTC-KRW@book",
      "kraken:*-KRW@trade",
      { stream: "upbit:*-KRW@trade", epoch: "e", seq: 1 },
      { stream: "upbit:ETH-KRW@trade", epoch: "e", seq: -1 },
    ]);
    world.arrive();
    expect(frames[0]).toMatchObject({
      op: "subscribed",
      id: 1,
      streams: [
        { requested: "upbit:BTC-KRW@trade", stream: "upbit:BTC-KRW@trade@100ms", seq: 0 },
        { requested: "upbit:BTC-KRW@trade@100ms", stream: "upbit:BTC-KRW@trade@100ms", seq: 0 },
      ],
      failed: [
        { requested: "upbit:DOGE-KRW@trade", error: { code: "unknown_instrument" } },
        { requested: "upbit:BTC-KRW@book", error: { code: "unknown_stream" } },
        { requested: "kraken:*-KRW@trade", error: { code: "unknown_instrument" } },
        { requested: "upbit:*-KRW@trade", error: { code: "bad_request" } },
        { requested: "upbit:ETH-KRW@trade", error: { code: "bad_request" } },
      ],
    });
  });

  it("says per epoch what was recovered, and why not", () => {
    const { world, connection, frames } = watched();
    world.feeds.get("upbit/0")?.batch([(seq) => trade(seq, BTC), (seq) => gap(seq, BTC)], 0, []);
    world.subscribe(
      connection,
      ["upbit:*-*@trade", "binance:*-*@trade"],
      new Map([
        ["upbit/0-0", 3],
        ["old-1", 7],
      ]),
    );
    world.arrive();
    expect(frames[0]).toMatchObject({
      streams: [
        { stream: "upbit:*-*@trade@1s", matches: 3, recovered: { "upbit/0-0": true } },
        { stream: "binance:*-*@trade@1s", matches: 2 },
      ],
      positions: { "upbit/0-0": 3, "upbit/1-0": 2, "binance/0-0": 2 },
    });
    expect(dataOf(frames)[0]).toMatchObject({ data: [{ prev: 3, seq: 4, gap: {} }], positions: { "upbit/0-0": 4 } });
  });

  describe("that names a position in a log of which nothing is known yet", () => {
    const from = new Map([
      ["upbit/0-0", 2],
      ["binance/0-0", 2],
    ]);
    function resumed(format?: "sse"): { world: RelayWorld; connection: Connection } {
      const world = new RelayWorld(1000);
      world.feeds.get("binance/0")?.forget();
      const connection = world.connect(new CheckingClient(new Log().of), from, false, format);
      world.subscribe(connection, ["*:*-*@trade@raw"], from);
      world.arrive();
      return { world, connection };
    }

    it("has to come back with it once the log is known", () => {
      const { world, connection } = resumed();
      expect([connection.open, [...connection.client.told.keys()]]).toEqual([true, [...from.keys(), "upbit/1-0"]]);
      world.feeds.get("binance/0")?.batch([], 0, []);
      world.drain();
      expect(connection.open).toBe(false);
    });

    it("is told it again in every id until then, where that is all it comes back with", () => {
      const { world, connection } = resumed("sse");
      world.feeds.get("upbit/0")?.batch([(seq) => trade(seq, BTC)], 0, []);
      world.drain();
      expect(connection.events?.lastEventId.split(",").sort()).toEqual(["binance/0-0:2", "upbit/0-0:3", "upbit/1-0:2"]);
    });
  });

  it("loses an instrument that is no longer collected, is told so, and keeps the rest", () => {
    const { world, connection, frames } = watched();
    world.subscribe(connection, [`${BTC}@trade@raw`, "upbit:*-KRW@ticker@raw"]);
    world.arrive();
    world.core.take("upbit/0", `{"op":"gone","instruments":["${BTC}","upbit:XRP-BTC"]}`, 0);
    expect(frames.at(-1)).toMatchObject({ op: "ended", instruments: [BTC], error: { code: "unknown_instrument" } });
    world.feeds.get("upbit/0")?.batch([(seq) => trade(seq, BTC), (seq) => ticker(seq, "upbit:ETH-KRW")], 0, []);
    world.drain();
    expect(dataOf(frames).flatMap(({ data }) => data.map(({ stream }) => stream))).toEqual([
      "upbit:ETH-KRW@ticker@raw",
    ]);
  });

  it("is told once to reconnect, however many partitions pass the order on, and of each change of an exchange once", () => {
    const { world, connection, frames } = watched();
    world.subscribe(connection, ["upbit:*-*@ticker"]);
    world.arrive();
    frames.length = 0;
    const status = '{"op":"status","status":{"state":"live","source":"live","since":1,"asOf":2}}';
    for (const partition of ["upbit/0", "upbit/1"]) {
      world.core.take(partition, status, 0);
      world.core.take(partition, '{"op":"drain","within":5000}', 0);
    }
    expect(frames).toEqual([
      { op: "status", exchange: "upbit", state: "live", source: "live", since: 1, asOf: 2 },
      { op: "reconnect", within: 5000, reason: "deploy" },
    ]);
  });

  it("has what it has unsubscribed no longer, and the relay wants it no longer either", () => {
    const { world, connection, frames } = watched();
    world.subscribe(connection, [`${BTC}@trade`, "upbit:*-KRW@ticker"]);
    world.arrive();
    world.core.unsubscribe(connection, { id: 2, streams: [`${BTC}@trade@100ms`, "upbit:ETH-KRW@trade", "nonsense"] });
    expect(frames.at(-1)).toEqual({ op: "unsubscribed", id: 2, streams: [`${BTC}@trade@100ms`] });
    world.drain();
    world.core.unsubscribe(connection, { id: 3, streams: ["upbit:*-KRW@ticker"] });
    world.open("upbit/0");
    expect(world.pump("upbit/0", 1)).toBe(false);
  });

  it("that is not answered by a feed within 5 s has just its streams failed", () => {
    const { world, connection, frames } = watched();
    world.subscribe(connection, ["upbit:*-KRW@ticker", "binance:*-*@ticker"]);
    for (const partition of ["upbit/0", "upbit/1"]) world.open(partition);
    world.drain();
    expect(frames).toEqual([]);
    world.core.settle(5000);
    expect(frames[0]).toMatchObject({
      streams: [{ stream: "upbit:*-KRW@ticker@1s" }],
      failed: [{ requested: "binance:*-*@ticker", error: { code: "restarting", retryable: true } }],
    });
  });
});
