import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IngestReport, ReportAnswer } from "../protocol/ingest.ts";
import { Reporter } from "./reporter.ts";

const ANSWER: ReportAnswer = { registrations: [], drain: null };

describe("a reporter", () => {
  /** What is done, in order; a report is named by the term in it. */
  let done: string[];
  let term: number;
  /** Each takes as long as this says; the number of the report is told. */
  let prepare: (nth: number) => Promise<void>;
  let send: (nth: number) => Promise<void>;
  let reporter: Reporter;

  beforeEach(() => {
    vi.useFakeTimers();
    [done, term] = [[], 1];
    prepare = async () => undefined;
    send = async () => undefined;
    const count = { prepared: 0, sent: 0 };
    reporter = new Reporter({
      report: (refused) => ({ ...reportOf(term), hints: refused === undefined ? [] : [refused] }),
      prepare: async () => {
        count.prepared += 1;
        done.push("prepare");
        await prepare(count.prepared);
      },
      send: async (report) => {
        count.sent += 1;
        done.push(["send", report.term, ...report.hints].join(" "));
        await send(count.sent);
        return { ...ANSWER, drain: { id: `${report.term}`, within: 1 } };
      },
      onAnswer: ({ drain }) => void done.push(`answer ${drain?.id}`),
      logger: pino({ level: "silent" }),
    });
  });
  afterEach(() => {
    reporter.stop();
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  function reportOf(under: number): IngestReport {
    const status = { state: "live", source: "live", since: 1, asOf: 1 } as const;
    return { status, kafka: "up", lastEventTime: null, term: under, hints: [] };
  }

  it("says what must be known before, then how things are, and obeys the answer", async () => {
    reporter.start();
    await pass(0);
    expect(done).toEqual(["prepare", "send 1", "answer 1"]);
  });

  it("reports again every few seconds until it is stopped", async () => {
    reporter.start();
    await pass(3000);
    term = 2;
    await pass(3000);
    expect(done.filter((what) => what.startsWith("send"))).toEqual(["send 1", "send 1", "send 2"]);
    reporter.stop();
    await pass(60_000);
    expect(done.filter((what) => what.startsWith("send")).length).toBe(3);
  });

  it("tells how things are when it is sent, not when it was asked for", async () => {
    const prepared = Promise.withResolvers<void>();
    prepare = () => prepared.promise;
    reporter.report();
    term = 2;
    prepared.resolve();
    await pass(0);
    expect(done).toEqual(["prepare", "send 2", "answer 2"]);
  });

  it("sends one report at a time, and of those that wait but the newest", async () => {
    const sent = Promise.withResolvers<void>();
    send = (nth) => (nth === 1 ? sent.promise : Promise.resolve());
    reporter.report();
    await pass(0);
    for (term = 2; term < 5; term += 1) reporter.report();
    await pass(60_000);
    expect(done).toEqual(["prepare", "send 1"]);
    sent.resolve();
    await pass(60_000);
    expect(done.slice(2)).toEqual(["answer 1", "prepare", "send 5", "answer 5"]);
  });

  it("goes on when it can't send", async () => {
    send = (nth) => (nth === 1 ? Promise.reject(new Error("no edge")) : Promise.resolve());
    reporter.report();
    // One more is wanted while the first fails.
    reporter.report();
    await pass(0);
    expect(done).toEqual(["prepare", "send 1", "prepare", "send 1", "answer 1"]);
  });

  it("says why what must be known before could not be told: an exchange that hangs there shows", async () => {
    prepare = (nth) => (nth === 1 ? Promise.reject(new Error("no such list")) : Promise.resolve());
    reporter.report();
    reporter.report();
    await pass(0);
    expect(done).toEqual(["prepare", "send 1 no such list", "answer 1", "prepare", "send 1", "answer 1"]);
  });

  it("obeys nothing and reports nothing once it is stopped", async () => {
    const sent = Promise.withResolvers<void>();
    send = () => sent.promise;
    reporter.report();
    reporter.report();
    await pass(0);
    reporter.stop();
    sent.resolve();
    await pass(60_000);
    reporter.report();
    await pass(0);
    expect(done).toEqual(["prepare", "send 1"]);
  });
});
