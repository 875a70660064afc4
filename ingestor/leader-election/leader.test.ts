import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LeaseAnswer } from "../../protocol/ingest.ts";
import { Collector } from "../collect/collector.ts";
import { MarketList } from "../collect/markets/market-list.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import { MemoryLog } from "../log/memory.ts";
import { Leader } from "./leader.ts";

// On the fake clock, which this module is not on by itself.
vi.mock("node:timers/promises", () => ({
  setTimeout: (ms: number, value: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener("abort", () => reject(signal.reason));
      setTimeout(resolve, ms, value);
    }),
}));

const logger = pino({ level: "silent" });
const OURS: LeaseAnswer = { granted: true, term: 3, holder: "us", freeIn: 3000 };
const THEIRS: LeaseAnswer = { granted: false, term: 9, holder: "them", freeIn: 3000 };

describe("a leader", () => {
  /** What is done to the collectors, their logs and the lease, in order. */
  let done: string[];
  let answer: LeaseAnswer | "away";
  /** What the next collector finds when it begins. */
  let begin: () => Promise<unknown>;
  let release: () => Promise<void>;
  let leader: Leader;
  let run: Promise<void>;

  /** One that collects nothing, and says what is done to it. */
  class Told extends Collector {
    readonly #term: number;
    readonly #log: MemoryLog;

    constructor(term: number, log: MemoryLog) {
      const { restUrl, wsUrl } = { restUrl: "http://nowhere", wsUrl: "ws://nowhere" };
      const list = new MarketList(upbit, restUrl, logger);
      const rest = { source: "simulated", wanted: () => true, onStatus: () => undefined } as const;
      super({ exchange: upbit, wsUrl, restUrl, writer: log, term, list, logger, ...rest });
      this.#term = term;
      this.#log = log;
    }
    override async start(): Promise<void> {
      done.push(`start ${this.#term}`);
      await begin();
      await this.#log.open(this.#term);
    }
    override async stop(): Promise<void> {
      done.push(`stop ${this.#term}`);
    }
    override abandon(): void {
      done.push(`abandon ${this.#term}`);
    }
  }

  beforeEach(() => {
    vi.useFakeTimers();
    [done, answer, begin] = [[], OURS, () => Promise.resolve()];
    release = async () => undefined;
    leader = new Leader({
      hold: async () => {
        if (answer === "away") throw new Error("no edge");
        return answer;
      },
      release: async () => {
        done.push("release");
        await release();
      },
      holder: "us",
      make: (term) => {
        const writer = new MemoryLog();
        return { collector: new Told(term, writer), writer, end: async () => void done.push(`end ${term}`) };
      },
      logger,
    });
  });
  afterEach(async () => {
    await leader.stop();
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  async function start(): Promise<void> {
    run = leader.run();
    await pass(1);
  }

  it("leads when the lease is granted, under its term", async () => {
    await start();
    expect([leader.term, leader.led !== undefined, done]).toEqual([3, true, ["start 3"]]);
  });

  it("stands by while another leads, and leads when that one is gone", async () => {
    answer = THEIRS;
    await start();
    await pass(60_000);
    expect([leader.term, leader.led, done]).toEqual([0, undefined, []]);
    answer = { ...OURS, term: 10 };
    await pass(1000);
    expect([leader.term, done]).toEqual([10, ["start 10"]]);
  });

  it("leads without the edge, and goes on while the edge is away", async () => {
    answer = "away";
    await start();
    await pass(10_000);
    expect([leader.term, done]).toEqual([1, ["start 0"]]);
    await pass(60_000);
    answer = { ...OURS, term: 1 };
    await pass(60_000);
    expect(done).toEqual(["start 0"]);
  });

  it("steps down for another, lets go of the log, and leads again with a new collector", async () => {
    await start();
    const first = leader.led;
    answer = THEIRS;
    await pass(1000);
    expect([leader.led, leader.term, done]).toEqual([undefined, 0, ["start 3", "abandon 3", "end 3"]]);
    answer = { ...OURS, term: 11 };
    await pass(1000);
    expect([leader.term, done.slice(3)]).toEqual([11, ["start 11"]]);
    expect(leader.led).not.toBe(first);
  });

  it("steps down while it still waits for the log", async () => {
    begin = () => new Promise(() => undefined);
    await start();
    answer = THEIRS;
    await pass(1000);
    expect([leader.led, done]).toEqual([undefined, ["start 3", "abandon 3", "end 3"]]);
  });

  it("is not ended by a log that fails after it was given up", async () => {
    const log = Promise.withResolvers<void>();
    begin = () => log.promise;
    await start();
    answer = THEIRS;
    await pass(1000);
    log.reject(new Error("closed"));
    begin = () => Promise.resolve();
    answer = { ...OURS, term: 10 };
    await pass(1000);
    expect(leader.term).toBe(10);
  });

  it("ends when its collector can't begin at all: a fault of ours", async () => {
    begin = () => Promise.reject(new Error("a fault"));
    await expect(leader.run()).rejects.toThrow("a fault");
  });

  it("gives the lease back only when everything is in the log", async () => {
    await start();
    await leader.stop();
    await run;
    expect(done).toEqual(["start 3", "stop 3", "release"]);
    await pass(60_000);
    expect(done.length).toBe(3);
  });

  it("stops although the lease can't be given back", async () => {
    release = () => Promise.reject(new Error("no edge"));
    await start();
    await leader.stop();
    await run;
  });

  it("stops while it stands by", async () => {
    answer = THEIRS;
    await start();
    await leader.stop();
    await run;
    answer = OURS;
    await pass(60_000);
    expect([leader.led, done]).toEqual([undefined, ["release"]]);
  });
});
