import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { LogRecord } from "../log/log.ts";
import { FeedProgress } from "./feed-progress.ts";
import type { CatchUp } from "./parking.ts";

let progress: FeedProgress;
let lacks: CatchUp[];

beforeEach(() => {
  lacks = [];
  progress = new FeedProgress({
    instrument: "upbit:BTC-KRW",
    parkBytes: 1000,
    logger: pino({ level: "silent" }),
    onBytes: () => undefined,
    onLack: (catchUp) => lacks.push(catchUp),
  });
  progress.begin("e-0");
});

function record(offset: number): LogRecord {
  const origin = { kind: "event", incarnation: "e", term: 1 } as const;
  return { offset, logged: offset * 10, key: "upbit:BTC-KRW", value: "{}", type: "trade", origin };
}
const take = (...offsets: number[]) => {
  for (const offset of offsets) progress.take(record(offset), 0);
};
const sent = (max = 1000) => {
  const { prev, seq, events } = progress.send(max);
  return [prev, seq, events.map((one) => one.seq)];
};

it("gives each stretch after the one before, and holds it until it is acked", () => {
  take(3, 5, 9);
  expect([sent(2), sent(0), sent()]).toEqual([
    [0, 5, [3, 5]],
    [5, 5, []],
    [5, 9, [9]],
  ]);
  progress.ack(5);
  expect([progress.holds, progress.unacked]).toEqual([9, 1]);
  progress.ack(9);
  expect([progress.holds, progress.bytes]).toEqual([undefined, 0]);
});

it("is complete up to what waits, else up to what is read, or what the feed had before", () => {
  take(5);
  expect([progress.completeThrough(50), progress.completeUpTo(400)]).toEqual([4, 50]);
  sent();
  expect([progress.completeThrough(50), progress.completeUpTo(400)]).toEqual([49, 400]);
  expect(progress.resume({ epoch: "e-0", seq: 100 })).toBe(true);
  expect(progress.completeThrough(50)).toBe(100);
});

describe("of a feed that says what it has", () => {
  it.each([
    ["some of it", { epoch: "e-0", seq: 5 }, [5, 9, [9]]],
    ["nothing", { epoch: null, seq: 0 }, [0, 9, [3, 5, 9]]],
    ["another log", { epoch: "old-0", seq: 900 }, [0, 9, [3, 5, 9]]],
  ])("goes on after %s", (_what, said, stretch) => {
    take(3, 5, 9);
    expect([progress.resume(said), sent(), lacks]).toEqual([true, stretch, []]);
  });

  it("does not vouch for what was acked by one that has nothing any more", () => {
    take(3, 5, 9);
    sent();
    progress.ack(5);
    expect([progress.resume({ epoch: "old-0", seq: 900 }), sent()]).toEqual([true, [5, 9, [9]]]);
  });

  it("has the log read for one that lacks what it had acked, to this pusher or another", () => {
    progress.expect("e-0", { seq: 90, from: 50 });
    expect([progress.holds, progress.resume({ epoch: "e-0", seq: 80 })]).toEqual([91, false]);
    progress.unpark();
    take(101);
    sent();
    progress.ack(101);
    expect([progress.rewind(95), lacks]).toEqual([false, [{ seq: 80 }, { seq: 95 }]]);
    expect([progress.holds, progress.knowsWhatItLacks, progress.completeThrough(200)]).toEqual([96, false, 95]);
  });
});

describe("of a parked feed", () => {
  const fill = () => {
    let offset = progress.unacked + 1;
    while (!progress.take(record(offset), 0)) offset += 1;
  };

  it("is none because of what it was given before, however much that is", () => {
    fill();
    sent();
    expect([progress.take(record(1), 0), progress.take(record(500), 0)]).toEqual([false, true]);
  });

  it("lets go of what was not sent, and has it read once the rest is acked", () => {
    take(1);
    sent();
    fill();
    progress.park(false);
    expect([progress.parked, progress.waiting, progress.holds, progress.completeThrough(500)]).toEqual([true, 0, 1, 1]);
    progress.ack(1);
    expect([lacks, progress.holds]).toEqual([[{ seq: 1 }], 2]);
    take(600);
    progress.takeAgain("f-0", record(2), 0);
    progress.takeAgain("e-0", record(3), 0);
    expect([sent(), progress.completeThrough(700), progress.completeUpTo(9000)]).toEqual([[1, 3, [3]], 3, 30]);
    progress.unpark();
    expect(progress.completeThrough(700)).toBe(699);
  });

  it("lets go of all of it while the feed is away", () => {
    fill();
    progress.park(true);
    expect([progress.bytes, progress.holds, progress.resume({ epoch: "e-0", seq: 0 }), lacks]).toEqual([
      0,
      1,
      false,
      [{ seq: 0 }],
    ]);
  });

  it("ends with its log", () => {
    fill();
    progress.park(true);
    progress.begin("f-0");
    take(2);
    expect([progress.parked, progress.holds, sent()]).toEqual([false, 2, [0, 2, [2]]]);
  });
});
