import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LeaseAnswer, LeaseRequest } from "../../protocol/ingest.ts";
import { EdgeRefusal } from "../push/edge-client.ts";
import { Lease } from "./lease.ts";

// On the fake clock, which this module is not on by itself.
vi.mock("node:timers/promises", () => ({
  setTimeout: (ms: number, value: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener("abort", () => reject(signal.reason));
      setTimeout(resolve, ms, value);
    }),
}));

const GRANTED: LeaseAnswer = { granted: true, term: 4, holder: "us", freeIn: 3000 };
const DENIED: LeaseAnswer = { granted: false, term: 4, holder: "them", freeIn: 60_000 };

describe("a lease", () => {
  let stop: AbortController;
  let asked: LeaseRequest[];
  /** What is answered from now on; "away": the edge can't be reached. */
  let answer: LeaseAnswer | "away" | "refused";
  let lease: Lease;

  beforeEach(() => {
    vi.useFakeTimers();
    [stop, asked, answer] = [new AbortController(), [], "away"];
    const hold = async (request: LeaseRequest) => {
      asked.push(request);
      if (answer === "away") throw new Error("no edge");
      if (answer === "refused") throw new EdgeRefusal("HTTP 401");
      return answer;
    };
    lease = new Lease({ hold, holder: "us", logger: pino({ level: "silent" }), signal: stop.signal });
  });
  afterEach(() => {
    stop.abort();
    vi.useRealTimers();
  });

  /** Where a promise stands, at any time. */
  function watch<T>(promise: Promise<T>): { value?: T; reason?: unknown; settled: boolean } {
    const state: { value?: T; reason?: unknown; settled: boolean } = { settled: false };
    promise.then(
      (value) => Object.assign(state, { value, settled: true }),
      (reason: unknown) => Object.assign(state, { reason, settled: true }),
    );
    return state;
  }
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it("is asked for under no term, and brings the one to write under", async () => {
    answer = GRANTED;
    expect(await lease.acquire(true)).toBe(4);
    expect(asked).toEqual([{ holder: "us", term: 0, ttl: 3000 }]);
  });

  it("is waited for while another has it, and asked for again when its time ends, or a second later at most", async () => {
    answer = DENIED;
    const state = watch(lease.acquire(true));
    await pass(10_000);
    expect([state.settled, asked.length]).toEqual([false, 11]);
    answer = { ...DENIED, freeIn: 200 };
    await pass(1000);
    answer = GRANTED;
    await pass(199);
    expect(state.settled).toBe(false);
    await pass(1);
    expect(state).toMatchObject({ settled: true, value: 4 });
  });

  it("does not ask without a pause when it is about to be free", async () => {
    answer = { ...DENIED, freeIn: 0 };
    void watch(lease.acquire(true));
    await pass(1000);
    expect(asked.length).toBeLessThanOrEqual(101);
  });

  it("is done without when nobody can be asked for long at the start, and no sooner", async () => {
    const state = watch(lease.acquire(true));
    await pass(5000);
    expect(state.settled).toBe(false);
    await pass(1000);
    expect(state).toMatchObject({ settled: true, value: 0 });
  });

  it("is never done without where the edge refuses us, or another has superseded us before", async () => {
    answer = "refused";
    const refused = watch(lease.acquire(true));
    answer = "away";
    const replaced = watch(lease.acquire(false));
    await pass(600_000);
    expect([refused.settled, replaced.settled]).toEqual([false, false]);
  });

  it("is never done without once it has been said to be another's", async () => {
    answer = DENIED;
    const state = watch(lease.acquire(true));
    await pass(1);
    answer = "away";
    await pass(600_000);
    expect(state.settled).toBe(false);
    answer = { ...GRANTED, term: 9 };
    await pass(1000);
    expect(state.value).toBe(9);
  });

  it("that is granted when we have been told to stop is not ours", async () => {
    const late = Promise.withResolvers<LeaseAnswer>();
    const hold = () => late.promise;
    lease = new Lease({ hold, holder: "us", logger: pino({ level: "silent" }), signal: stop.signal });
    const state = watch(lease.acquire(true));
    stop.abort();
    late.resolve(GRANTED);
    await pass(1);
    expect(state).toMatchObject({ settled: true, reason: stop.signal.reason });
  });

  it("is not waited for any more when we are to stop", async () => {
    answer = DENIED;
    const state = watch(lease.acquire(true));
    await pass(1);
    stop.abort();
    await pass(1);
    expect([state.settled, state.value, asked.length]).toEqual([true, undefined, 1]);
  });

  it("is renewed every second, under the term of the log as it is then", async () => {
    answer = GRANTED;
    let term = 0;
    const state = watch(lease.keep(() => term));
    await pass(1000);
    term = 4;
    await pass(2000);
    expect([asked.map((request) => request.term), state.settled]).toEqual([[0, 4, 4], false]);
  });

  it("stays ours while the edge can't be asked, however long that is", async () => {
    const state = watch(lease.keep(() => 4));
    await pass(600_000);
    expect(state.settled).toBe(false);
    answer = GRANTED;
    await pass(60_000);
    expect(state.settled).toBe(false);
  });

  it("is lost to another, also after the edge was away", async () => {
    const state = watch(lease.keep(() => 4));
    await pass(5000);
    answer = { ...DENIED, term: 5 };
    await pass(1000);
    expect(state).toEqual({ settled: true, value: undefined });
  });

  it("is lost to a higher term of the log, even if it is granted", async () => {
    answer = { ...GRANTED, term: 5 };
    let term = 0;
    const state = watch(lease.keep(() => term));
    await pass(3000);
    // Not yet: we have not taken the log over, and will do so under a higher one still.
    expect(state.settled).toBe(false);
    term = 4;
    await pass(1000);
    expect(state.settled).toBe(true);
  });

  it("is not renewed any more when we are to stop", async () => {
    answer = GRANTED;
    const state = watch(lease.keep(() => 4));
    await pass(1500);
    stop.abort();
    await pass(5000);
    expect([state.settled, state.reason, asked.length]).toEqual([true, stop.signal.reason, 1]);
  });
});
