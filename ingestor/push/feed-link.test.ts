import { EventEmitter } from "node:events";
import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type WebSocket from "ws";
import { type FeedFrame, type TicksFrame, ticksFrame } from "../../protocol/ingest.ts";
import type { Rate } from "../../protocol/stream.ts";
import type { LogRecord } from "../log/log.ts";
import { FeedLink } from "./feed-link.ts";
import type { CatchUp } from "./parking.ts";

const STATUS = { state: "live", source: "simulated", since: 1, asOf: 5 } as const;

/** A socket's sending half: what is sent stands in `sent`, checked as the feed would check it. */
class Wire extends EventEmitter {
  bufferedAmount = 0;
  readonly sent: TicksFrame[] = [];

  send(text: string): void {
    this.sent.push(ticksFrame.parse(JSON.parse(text)));
  }

  /** What was sent since the last look. */
  take(): TicksFrame[] {
    return this.sent.splice(0);
  }
}

/** The rates that most ticks of the grid are due for. */
const TICK = ["100ms"] as const;

describe("a feed link", () => {
  let wire: Wire;
  let link: FeedLink;
  let bytes: number;
  let lowest: number;
  let lacks: CatchUp[];
  let replaced: number;
  let epoch: string | undefined;
  /** The next position of the live reading. */
  let next: number;

  beforeEach(() => {
    [wire, bytes, lowest, lacks, replaced, epoch, next] = [new Wire(), 0, 0, [], 0, "e-0", 1];
    link = new FeedLink({
      instrument: "upbit:BTC-KRW",
      partition: 0,
      idleBatch: 30_000,
      parkBytes: 2000,
      view: () =>
        epoch === undefined ? undefined : { epoch, asOf: 5, opens: 1, next, status: JSON.stringify(STATUS) },
      logger: pino({ level: "silent" }),
      onBytes: (change) => {
        bytes += change;
        lowest = Math.min(lowest, bytes);
      },
      onLack: (_link, catchUp) => lacks.push(catchUp),
      onReplaced: () => {
        replaced += 1;
      },
    });
    link.enter("e-0", 0);
  });

  function record(offset: number, value = `{"type":"trade","id":"${offset}"}`): LogRecord {
    const origin = { kind: "event", incarnation: "e", term: 1 } as const;
    return { offset, logged: 5, key: "upbit:BTC-KRW", value, type: "trade", origin };
  }
  const take = (...offsets: number[]) => {
    for (const offset of offsets) {
      next = offset + 1;
      link.take(epoch ?? "", record(offset), 0);
    }
  };
  const hear = (frame: FeedFrame) => link.onMessage(JSON.stringify(frame));
  /** The feed is there and has stored up to `seq`. */
  const ready = (seq = 0, rates: Rate[] = [], of: string | null = "e-0") => {
    link.opened(wire as unknown as WebSocket);
    hear({ op: "ready", epoch: of, seq, rates });
  };
  const ack = (seq: number, dirty = false, of = "e-0") => hear({ op: "ack", epoch: of, seq, dirty });
  /** Position and events of each batch since the last look. */
  const batches = () => wire.take().map(({ prev, seq, events, due }) => [prev, seq, events.map((one) => one.seq), due]);

  it("sends what waited as soon as the feed is ready, and holds it until it is acked", () => {
    take(10, 12);
    expect([link.holds, wire.sent.length]).toEqual([10, 0]);
    ready();
    expect(batches()).toEqual([[0, 12, [10, 12], []]]);
    ack(10);
    expect(link.holds).toBe(12);
    ack(12);
    expect([link.holds, bytes]).toEqual([undefined, 0]);
  });

  it("carries the event just as it came from the log", () => {
    link.take("e-0", record(7, '{"type":"trade","price":"1.10","id":"17883351803770004"}'), 0);
    ready();
    expect(wire.sent[0]?.events).toEqual([
      { seq: 7, logged: 5, event: { type: "trade", price: "1.10", id: "17883351803770004" } },
    ]);
  });

  it("drops what the feed has already, and takes nothing twice", () => {
    take(1, 2, 3);
    ready(2);
    expect(batches()).toEqual([[2, 3, [3], []]]);
    take(2, 3, 4);
    link.onGrid(40_000, TICK, false);
    expect(batches()).toEqual([[3, 4, [4], []]]);
  });

  it("lets a feed that is ahead of the log's reading have only what is new to it", () => {
    take(1);
    ready(100);
    batches();
    take(50, 100, 101);
    link.onGrid(40_000, TICK, false);
    expect(batches()).toEqual([[100, 101, [101], []]]);
  });

  it("sends again what was not acked when the feed comes back, and everything to one that lost its storage", () => {
    take(1, 2, 3);
    ready();
    ack(1);
    batches();
    link.closed();
    take(4);
    ready(1);
    expect(batches()).toEqual([[1, 4, [2, 3, 4], []]]);
    link.closed();
    ready(0, [], null);
    expect(batches()).toEqual([[0, 4, [2, 3, 4], []]]);
    expect(lacks).toEqual([]);
  });

  it("sends to a feed of another epoch what it holds", () => {
    take(1, 2);
    ready(900, [], "old-0");
    expect(batches()).toEqual([[0, 2, [1, 2], []]]);
  });

  it("sends again from where the feed says that something is missing; not for another epoch", () => {
    take(1, 2, 3);
    ready();
    batches();
    hear({ op: "resend", epoch: "e-0", from: 2 });
    expect(batches()).toEqual([[2, 3, [3], []]]);
    hear({ op: "resend", epoch: "old", from: 1 });
    expect(batches()).toEqual([]);
  });

  it("has the log read again for a feed that lost what it had acked", () => {
    take(1, 2, 3, 4);
    ready();
    ack(4);
    batches();
    hear({ op: "resend", epoch: "e-0", from: 2 });
    expect([lacks, link.parked, link.holds, bytes]).toEqual([[{ seq: 2 }], true, 3, 0]);
    const [catchUp] = lacks;
    if (catchUp === undefined) throw new Error("no reading");
    take(5);
    for (const offset of [3, 4, 5]) link.takeAgain("e-0", record(offset), 0);
    expect(link.wants(catchUp)).toBe(true);
    link.unpark();
    take(5, 6);
    link.onGrid(40_000, TICK, false);
    expect(batches()).toEqual([[2, 6, [3, 4, 5, 6], []]]);
  });

  it("takes what a feed says it has stored for acked: should it lose that, the log has it", () => {
    take(1, 2, 3, 4);
    ready(4);
    expect([link.holds, bytes]).toEqual([undefined, 0]);
    hear({ op: "resend", epoch: "e-0", from: 2 });
    expect([lacks, link.holds]).toEqual([[{ seq: 2 }], 3]);
  });

  it("keeps what a feed has taken in and not stored: its memory may go", () => {
    take(1, 2, 3);
    ready();
    hear({ op: "resend", epoch: "e-0", from: 3 });
    expect(link.holds).toBe(1);
    batches();
    hear({ op: "resend", epoch: "e-0", from: 0 });
    expect(batches().map(([prev, , events]) => [prev, events])).toEqual([[0, [1, 2, 3]]]);
  });

  describe("of a feed that another pusher had ack something", () => {
    it("has what follows read again for one that has lost some of it, and sends nothing live before that", () => {
      link.expect("e-0", { seq: 90, from: 50 }, 0);
      expect(link.holds).toBe(91);
      take(101);
      ready(80);
      take(102);
      link.onGrid(40_000, TICK, false);
      expect([lacks, batches(), link.holds]).toEqual([[{ seq: 80 }], [], 81]);
      for (const offset of [90, 101, 102]) link.takeAgain("e-0", record(offset), 0);
      link.unpark();
      link.onGrid(40_000, TICK, false);
      expect(batches()).toEqual([[80, 102, [90, 101, 102], []]]);
    });

    it("hears of it also when the feed is there first", () => {
      epoch = undefined;
      link = new FeedLink({
        ...optionsOf(),
        view: () => undefined,
        onLack: (_link, catchUp) => lacks.push(catchUp),
        parkBytes: 2000,
      });
      ready(80);
      link.enter("e-0", 0);
      link.expect("e-0", { seq: 90, from: 50 }, 0);
      expect([lacks, link.holds, batches()]).toEqual([[{ seq: 80 }], 81, []]);
    });

    it("does not keep one waiting that has it, or more", () => {
      for (const seq of [90, 100]) {
        link = opened(2000);
        link.expect("e-0", { seq: 90, from: 50 }, 0);
        ready(seq, ["raw"]);
        link.take("e-0", record(101), 0);
        link.onRead(0);
        expect([link.holds, batches().at(-1)]).toEqual([101, [seq, 101, [101], []]]);
      }
    });

    it("gives one that has nothing of this log any more what can be told for certain", () => {
      link.expect("e-0", { seq: 90, from: 50 }, 0);
      ready(0, [], null);
      expect([lacks, link.holds]).toEqual([[{ seq: 50 }], 51]);
    });
  });

  describe("with listeners", () => {
    it("sends raw at once, and tells the slower rates on the grid", () => {
      ready(0, ["raw", "100ms"]);
      batches();
      take(1);
      link.onRead(10);
      expect(batches()).toEqual([[0, 1, [1], []]]);
      link.onGrid(100, TICK, false);
      expect(batches()).toEqual([[1, 1, [], TICK]]);
      ack(1);
      link.onGrid(200, TICK, false);
      expect(batches()).toEqual([]);
    });

    it("gathers for the grid where nobody wants raw", () => {
      ready(0, ["100ms"]);
      batches();
      take(1);
      link.onRead(10);
      take(2);
      link.onRead(20);
      expect(batches()).toEqual([]);
      link.onGrid(100, TICK, false);
      expect(batches()).toEqual([[0, 2, [1, 2], TICK]]);
    });

    it("names a rate as due on its own ticks only, whatever else has it send", () => {
      ready(0, ["raw", "100ms", "1s"]);
      batches();
      const says = () => batches().map(([, , events, due]) => [events, due]);
      take(1);
      link.onRead(10);
      hear({ op: "cadence", rates: ["raw", "100ms", "1s"] });
      hear({ op: "resend", epoch: "e-0", from: 0 });
      link.onStatus(20);
      expect(says()).toEqual([
        [[1], []],
        [[], []],
        [[1], []],
        [[], []],
      ]);
      ack(1);
      link.onGrid(100, TICK, false);
      link.onGrid(200, TICK, false);
      link.onGrid(1000, ["100ms", "1s"], false);
      link.onGrid(2000, ["100ms", "1s"], false);
      expect(says()).toEqual([
        [[], TICK],
        [[], ["1s"]],
      ]);
    });

    it("gathers for a slow rate until it is due, and sends what is much before that", () => {
      link = opened(10_000_000);
      ready(0, ["1s"]);
      batches();
      take(1);
      link.onGrid(100, TICK, false);
      expect(batches()).toEqual([]);
      link.onGrid(1000, ["100ms", "1s"], false);
      expect(batches()).toEqual([[0, 1, [1], ["1s"]]]);
      take(...Array.from({ length: 500 }, (_, i) => 2 + i));
      link.onGrid(1100, TICK, false);
      expect(batches()).toMatchObject([[1, 501, { length: 500 }, []]]);
      link.onGrid(2000, ["100ms", "1s"], false);
      expect(batches()).toEqual([[501, 501, [], ["1s"]]]);
    });

    it.each([
      [
        "the socket is full",
        () => Object.assign(wire, { bufferedAmount: 3_000_000 }),
        () => Object.assign(wire, { bufferedAmount: 0 }),
      ],
      ["the feed is away", () => link.closed(), () => ready(0, ["1s"])],
    ])("owes a rate that became due while %s, and says so once", (_why, hinder, mend) => {
      ready(0, ["1s"]);
      batches();
      take(1);
      hinder();
      link.onGrid(1000, ["100ms", "1s"], false);
      link.onGrid(2000, ["100ms", "1s"], false);
      expect(batches()).toEqual([]);
      mend();
      link.onGrid(2100, TICK, false);
      link.onGrid(2200, TICK, false);
      expect(batches()).toEqual([[0, 1, [1], ["1s"]]]);
    });

    it("lets only the last batch of many say what is due", () => {
      link = opened(10_000_000);
      ready(0, ["100ms"]);
      batches();
      take(...Array.from({ length: 2500 }, (_, i) => i + 1));
      link.onGrid(100, TICK, false);
      expect(batches().map(([, seq, , due]) => [seq, due])).toEqual([
        [1000, []],
        [2000, []],
        [2500, TICK],
      ]);
    });

    it("has a listener who came unseen served on the next tick", () => {
      ready();
      batches();
      take(1);
      link.onGrid(40_000, TICK, false);
      hear({ op: "cadence", rates: ["1s"] });
      batches();
      link.onGrid(40_100, TICK, false);
      expect(batches()).toEqual([]);
      link.onGrid(41_000, ["100ms", "1s"], false);
      expect(batches()).toEqual([[1, 1, [], ["1s"]]]);
    });

    it("gives the first listener at once what was being gathered", () => {
      ready();
      batches();
      take(1);
      link.onGrid(100, TICK, false);
      expect(batches()).toEqual([]);
      hear({ op: "cadence", rates: ["raw"] });
      expect(batches()).toEqual([[0, 1, [1], []]]);
    });

    it("says every five seconds that time has passed, and at once that the exchange's state has changed", () => {
      ready(0, ["100ms"]);
      batches();
      const last = Date.now();
      link.onGrid(last + 4000, TICK, false);
      expect(batches()).toEqual([]);
      link.onGrid(last + 6000, TICK, false);
      link.onStatus(last + 6100);
      expect(batches()).toEqual([
        [0, 0, [], []],
        [0, 0, [], []],
      ]);
    });

    it("tells them the state of an exchange whose instrument has never been traded", () => {
      ready(0, ["100ms"], null);
      expect(wire.take()).toMatchObject([{ epoch: "e-0", prev: 0, seq: 0, events: [], asOf: 5, status: STATUS }]);
    });
  });

  describe("without listeners", () => {
    it("sends after the idle time, or once nothing comes in the whole partition", () => {
      ready();
      batches();
      take(1);
      link.onGrid(29_000, TICK, false);
      expect(batches()).toEqual([]);
      link.onGrid(30_000, TICK, false);
      expect(batches()).toEqual([[0, 1, [1], []]]);
      ack(1);
      take(2);
      link.onGrid(30_100, TICK, true);
      expect(batches()).toEqual([[1, 2, [2], []]]);
    });

    it("nudges a feed that still has something to do with empty batches, more and more seldom, and keeps the rest", () => {
      ready();
      batches();
      ack(0, true);
      const begin = Date.now();
      link.take("e-0", record(1), begin);
      for (let at = 0; at < 29_000; at += 100) link.onGrid(begin + at, TICK, false);
      const nudges = batches();
      // Ten within 5 s, then one every 2 s, then every 10 s.
      expect(nudges.length).toBeGreaterThanOrEqual(18);
      expect(nudges.length).toBeLessThanOrEqual(22);
      expect(nudges.every(([prev, seq, events]) => prev === 0 && seq === 0 && String(events) === "")).toBe(true);
      expect(link.holds).toBe(1);
      ack(0, false);
      for (let at = 29_000; at < 29_900; at += 100) link.onGrid(begin + at, TICK, false);
      expect(batches()).toEqual([]);
    });
  });

  it("stops sending, and tells, when it is replaced", () => {
    ready(0, ["raw"]);
    batches();
    hear({ op: "replaced" });
    take(1);
    link.onRead(10);
    link.onGrid(100, TICK, false);
    expect([replaced, wire.sent.length, link.holds]).toEqual([1, 0, 1]);
  });

  it("sends nothing before the first status, nor into a socket that is full", () => {
    epoch = undefined;
    ready(0, ["raw"]);
    expect(batches()).toEqual([]);
    epoch = "e-0";
    wire.bufferedAmount = 3_000_000;
    take(1);
    link.onRead(0);
    expect(batches()).toEqual([]);
    wire.bufferedAmount = 0;
    link.onGrid(0, TICK, false);
    expect(batches()).toEqual([[0, 1, [1], []]]);
  });

  it("sends a long backlog in batches that continue each other", () => {
    const many = Array.from({ length: 2500 }, (_, i) => i + 1);
    link = opened(10_000_000);
    take(...many);
    ready();
    expect(batches().map(([prev, seq]) => [prev, seq])).toEqual([
      [0, 1000],
      [1000, 2000],
      [2000, 2500],
    ]);
  });

  /** A link in the middle of a log. */
  function opened(parkBytes: number): FeedLink {
    const made = new FeedLink({ ...optionsOf(), parkBytes });
    made.enter("e-0", 0);
    return made;
  }

  function optionsOf() {
    const view = () => ({ epoch: "e-0", asOf: 5, opens: 1, next, status: JSON.stringify(STATUS) });
    const nothing = () => undefined;
    const rest = { onBytes: nothing, onLack: nothing, onReplaced: nothing, logger: pino({ level: "silent" }) };
    return { instrument: "upbit:BTC-KRW", partition: 0, idleBatch: 30_000, view, ...rest };
  }

  describe("of how far a feed is complete", () => {
    const through = () => wire.take().map(({ seq, through: to }) => [seq, to]);

    it("says the last position that was read, in an empty batch too", () => {
      take(10);
      next = 50;
      ready();
      next = 80;
      link.onStatus(0);
      link.onGrid(40_000, TICK, false);
      hear({ op: "cadence", rates: ["raw"] });
      expect(through()).toEqual([
        [10, 49],
        [10, 79],
      ]);
    });

    it("never passes an event that still waits: of a long backlog, or for its time", () => {
      link = opened(10_000_000);
      take(...Array.from({ length: 1200 }, (_, i) => 2 * i + 2));
      ready();
      expect(through()).toEqual([
        [2000, 2001],
        [2400, 2400],
      ]);
      ack(2400, true);
      next = 2501;
      link.take("e-0", record(2500), Date.now());
      link.onGrid(Date.now() + 600, TICK, false);
      expect(through()).toEqual([[2400, 2499]]);
    });

    it("stays where a parked feed stands, until the log has been read again for it", () => {
      ready();
      take(1, 2, 3);
      link.onGrid(40_000, TICK, false);
      ack(3);
      wire.take();
      hear({ op: "resend", epoch: "e-0", from: 1 });
      take(9);
      link.takeAgain("e-0", record(2), 0);
      link.flush(0);
      link.takeAgain("e-0", record(3), 0);
      link.takeAgain("e-0", record(9), 0);
      link.unpark();
      link.flush(0);
      expect(through()).toEqual([
        [2, 2],
        [9, 9],
      ]);
    });

    it("is what the feed has, where another pusher has brought it further", () => {
      take(1);
      ready(100);
      expect(through()).toEqual([[100, 100]]);
    });

    it("is its last event for a log that has ended", () => {
      ready();
      take(100);
      wire.take();
      epoch = "f-0";
      take(2);
      expect(wire.take()).toMatchObject([{ epoch: "e-0", seq: 100, through: 100 }]);
    });
  });

  describe("when the log is another one", () => {
    it("sends what it can of the old one, and begins anew", () => {
      ready();
      batches();
      take(100);
      epoch = "f-0";
      take(2);
      expect(wire.take()).toMatchObject([{ epoch: "e-0", prev: 0, seq: 100 }]);
      link.onGrid(40_000, TICK, false);
      expect(wire.take()).toMatchObject([{ epoch: "f-0", prev: 0, seq: 2 }]);
      ack(100);
      expect(link.holds).toBe(2);
      ack(2, false, "f-0");
      expect([link.holds, bytes, lowest]).toEqual([undefined, 0, 0]);
    });

    it("tells a feed at once that somebody listens to, once, with nothing in it", () => {
      ready(100, ["100ms"]);
      ack(100);
      batches();
      epoch = "f-0";
      next = 5;
      link.enter("f-0", 0);
      expect(wire.take()).toEqual([]);
      for (let at = 100; at < 1000; at += 100) link.onGrid(at, TICK, false);
      expect(wire.take()).toMatchObject([{ epoch: "f-0", prev: 0, seq: 0, through: 4, opens: 1, events: [], due: [] }]);
    });

    it("tells one that nobody listens to within its idle time, and on any occasion", () => {
      ready();
      batches();
      for (const occasion of [() => undefined, () => hear({ op: "cadence", rates: [] })]) {
        epoch = `${epoch}0`;
        link.enter(epoch, 0);
        occasion();
        for (let at = 100; at <= 30_000; at += 100) link.onGrid(at, TICK, true);
        expect(wire.take()).toMatchObject([{ epoch, events: [] }]);
      }
    });

    it("tells a feed that comes and follows another one", () => {
      ready(900, [], "old-0");
      ack(900, false, "old-0");
      link.onGrid(40_000, TICK, true);
      expect(wire.take()).toMatchObject([{ epoch: "e-0", prev: 0, events: [] }]);
    });

    it("does not vouch for what a feed had acked that has nothing of it any more", () => {
      take(5, 6);
      ready();
      ack(5);
      batches();
      link.closed();
      ready(900, [], "old-0");
      expect(batches()).toEqual([[5, 6, [6], []]]);
    });

    it("is no longer parked, and a reading of the old one is over", () => {
      take(1, 2, 3);
      ready();
      ack(3);
      hear({ op: "resend", epoch: "e-0", from: 1 });
      const [catchUp] = lacks;
      epoch = "f-0";
      take(2);
      expect(link.parked).toBe(false);
      expect(catchUp && link.wants(catchUp)).toBe(false);
      link.takeAgain("e-0", record(3), 0);
      expect(link.holds).toBe(2);
    });
  });

  describe("when the feed takes too little", () => {
    const fill = (from = 1, count = 60) => take(...Array.from({ length: count }, (_, i) => from + i));

    it("lets everything go while the feed is away, and has it read again from there", () => {
      fill();
      expect([link.parked, bytes, link.holds]).toEqual([true, 0, 1]);
      ready();
      expect(lacks).toEqual([{ seq: 0 }]);
      expect(link.holds).toBe(1);
    });

    it("keeps what it has sent, and has the rest read again once that is acked", () => {
      ready();
      take(1);
      link.onGrid(40_000, TICK, false);
      fill(2);
      expect([link.parked, link.holds]).toEqual([true, 1]);
      ack(1);
      expect(lacks).toEqual([{ seq: 1 }]);
      expect([link.holds, bytes]).toEqual([2, 0]);
    });

    it("gives a feed that has acked everything what there is, instead of parking it", () => {
      ready();
      batches();
      fill(1, 37);
      expect([link.parked, wire.sent.length > 0]).toEqual([false, true]);
    });

    it("has all read again that a feed without storage was sent and never acked", () => {
      ready(0, [], null);
      take(1, 2);
      link.onGrid(40_000, TICK, false);
      fill(3);
      expect([link.parked, link.holds]).toEqual([true, 1]);
      link.closed();
      ready(0, [], null);
      expect([lacks, link.holds]).toEqual([[{ seq: 0 }], 1]);
    });

    it("ends a reading when the feed goes away; the next one is another", () => {
      fill();
      ready();
      link.closed();
      ready();
      const [first, second] = lacks;
      expect(first && link.wants(first)).toBe(false);
      expect(second && link.wants(second)).toBe(true);
    });
  });

  it("gives back its bytes once when it is closed, whatever the feed still says", () => {
    take(1, 2);
    ready();
    take(3);
    link.close();
    expect(bytes).toBe(0);
    ack(2);
    take(4);
    expect([bytes, lowest]).toEqual([0, 0]);
  });

  it("rejects what no feed says", () => {
    expect(() => link.onMessage("{")).toThrow();
    expect(() => link.onMessage('{"op":"dance"}')).toThrow();
    expect(() => link.onMessage('{"op":"replaced","v":99}')).toThrow("version 99");
  });
});
