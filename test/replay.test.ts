/** Raw frames, normalised again, give what the log has: after a lost connection, fetched trades and a frame that can't be read. */

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RawRecord } from "../ingestor/replay/raw/raw-record.ts";
import { requireKafka } from "../local/testing.ts";
import { rawRecords } from "./support/raw-records.ts";
import { pricesFlow, startTestStack, type TestStack, tradesOf } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
const REPOSITORY = join(import.meta.dirname, "..");

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

kafka.describe("replay", () => {
  let stack: TestStack;
  /** After everything that was received, ms. */
  let end: string;

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 300 }, redis: false });
    await pricesFlow(stack);
    await moreTrades();
    stack.simulator?.faults.inject({ fault: "drop" });
    await until(async () => (await gaps("exchange_disconnect")).includes("healed"), "a healed gap");
    stack.simulator?.faults.inject({ fault: "bad", how: "wrong_type" });
    await until(async () => (await gaps("unreadable_frame")).includes("healed"), "the bad frame's gap healed");
    await moreTrades();
    await until(async () => (await span()) > 8000, "more than what may still be on its way");
  });

  afterAll(() => stack?.stop());

  test("finds no difference while everything runs", async () => {
    const { out } = await replay("raw.upbit");
    expect(out.trimEnd().split("\n").at(-1)).toBe("no difference");
    expect(Number(/(\d+) trades/.exec(out)?.[1])).toBeGreaterThan(0);
  });

  test("finds no difference, but for the frame that can't be read", async () => {
    // In order: everything received is in both topics then.
    await stack.ingestor?.stop();
    end = String(Date.now());
    const { code, out } = await replay("raw.upbit", "--to", end);
    expect(out).toMatch(/^sim\.raw\.upbit against sim\.ticks\.upbit, received /);
    expect(out).toMatch(/^can't be read: 1, the first at partition \d, offset \d+: .*trade_price.*/m);
    expect(out.trimEnd().split("\n").at(-1)).toBe("no difference");
    expect(code).toBe(1);
    const [, bodies, trades] = /(\d+) bodies of the trade history: (\d+) trades/.exec(out) ?? [];
    expect(Number(bodies)).toBeGreaterThan(0);
    expect(Number(trades)).toBeGreaterThanOrEqual(tradesOf(await stack.log()).length);
  });

  test("of a stretch of time finds none either", async () => {
    const records = await inOrderOfReceipt();
    const received = records.map((record) => record.received ?? 0).sort((a, b) => a - b);
    const middle = (part: number) => new Date(received[Math.floor(received.length * part)] ?? 0).toISOString();
    const { out } = await replay("sim.raw.upbit", "--from", middle(0.3), "--to", middle(0.8));
    expect(out.trimEnd().split("\n").at(-1)).toBe("no difference");
  });

  test("compares a file of the same frames, and notices one that is missing", async () => {
    const records = await inOrderOfReceipt();
    const whole = await file(records);
    expect((await replay(whole, "--exchange", "upbit")).out).toMatch(/^no difference$/m);
    const ticker = records.findIndex(({ text }, i) => i > records.length / 2 && /^\{"ty(pe)?":"ticker"/.test(text));
    const { code, out } = await replay(await file(records.toSpliced(ticker, 1)), "--exchange", "upbit");
    expect(out).toMatch(/^differences: 1 \(ticker not in raw: 1\)$/m);
    expect(code).toBe(1);
  });

  test("prints the events themselves", async () => {
    const { code, out, err } = await replay("raw.upbit", "--events", "--to", end);
    expect(code).toBe(1);
    expect(err).toMatch(/^partition \d, offset \d+: .*trade_price.*\n$/);
    const ids = out.split("\n").flatMap((line) => (line.startsWith('{"type":"trade"') ? [JSON.parse(line).id] : []));
    const logged = tradesOf(await stack.log()).map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set([...ids, ...logged]));
  });

  test("says which topics there are instead of one that is not", async () => {
    const { code, err } = await replay("live.raw.upbit");
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringContaining("there is no topic live.raw.upbit: there is"),
    });
  });

  async function moreTrades(): Promise<void> {
    const before = tradesOf(await stack.log()).length;
    await until(async () => tradesOf(await stack.log()).length > before + 100, "more trades");
  }

  /** Between the first trade received and the last one, ms. */
  async function span(): Promise<number> {
    const events = (await stack.log()).flatMap((log) => log.events);
    const received = events.flatMap(({ event }) => (event.type === "trade" ? (event.received ?? []) : []));
    return Math.max(...received) - Math.min(...received);
  }

  async function gaps(cause: string): Promise<string[]> {
    const events = (await stack.log()).flatMap((log) => log.events);
    return events.flatMap(({ event }) => (event.type === "gap" && event.cause === cause ? [event.state] : []));
  }

  async function inOrderOfReceipt(): Promise<RawRecord[]> {
    return (await rawRecords(stack)).sort((a, b) => (a.received ?? 0) - (b.received ?? 0));
  }

  async function file(records: readonly RawRecord[]): Promise<string> {
    const path = join(stack.logDir, "frames.jsonl");
    const lines = records.map(({ text, received, connection, instrument }) => {
      const line = { recv: (received ?? 0) / 1000, connection, frame: text };
      return JSON.stringify(instrument === undefined ? line : { ...line, kind: "rest", instrument });
    });
    await writeFile(path, lines.join("\n"));
    return path;
  }

  function replay(...args: string[]): Promise<Outcome> {
    const env = { ...process.env, KAFKA_BROKERS: stack.kafka?.brokers.join(",") };
    const command = ["--disable-warning=ExperimentalWarning", join(REPOSITORY, "ingestor", "replay.ts"), ...args];
    return new Promise((resolve) => {
      const options = { env, maxBuffer: 1024 ** 3 };
      const running = execFile(process.execPath, command, options, (_error, out, err) =>
        resolve({ code: running.exitCode ?? -1, out, err }),
      );
    });
  }
});
