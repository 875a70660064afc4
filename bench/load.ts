/** All exchanges at once: whether anything is lost, how much memory the ingestor takes, and how long its loop is held up. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createLogger } from "../ingestor/logger.ts";
import { readLog } from "../ingestor/verify/read-log.ts";
import { freePort } from "../local/ports.ts";
import type { Stack } from "../local/stack.ts";
import { dialects } from "../simulator/dialects.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { BareProcess } from "./bare.ts";
import { benchStack } from "./stack.ts";
import { until } from "./until.ts";

/** What has not come to the log when nothing more has for so long, ms, is lost. */
const SETTLED = 30_000;

/** What a run of all exchanges was like. */
export interface LoadFigures {
  readonly framesPerSecond: number;
  readonly executed: number;
  /** Trades that were executed while it was measured, and are not in the log. */
  readonly lost: number;
  readonly gaps: number;
  /** Of the ingestor's process, MB. */
  readonly peakMemory: number;
  /** 99th percentile of how late the ingestor's event loop was, ms. */
  readonly loopDelay: number;
  /** The same of a process beside it that does nothing. */
  readonly bareDelay: number;
}

export async function benchLoad({ seconds, frames }: { seconds: number; frames: number }): Promise<void> {
  const figures = await runLoad(seconds, frames);
  const { framesPerSecond, executed, lost, gaps, peakMemory, loopDelay, bareDelay } = figures;
  console.log(
    `${dialects.length} exchanges, ${seconds} s: ${framesPerSecond} frames/s, ${executed} trades executed, ${lost} lost, ${gaps} gaps; ` +
      `ingestor: peak ${peakMemory} MB, event loop p99 ${loopDelay} ms, ${(loopDelay / bareDelay).toFixed(1)} times that of a process that does nothing, ${bareDelay.toFixed(1)} ms`,
  );
  if (lost > 0) process.exitCode = 1;
}

/** Runs the whole stack on `frames` frames a second in total; it takes some seconds to get going and to settle. */
export async function runLoad(seconds: number, frames: number): Promise<LoadFigures> {
  const port = await freePort();
  // Most send a trade and a ticker for each trade.
  const rate = frames / dialects.length / 1.8;
  const stack = await benchStack({
    exchanges: dialects.map(({ name }) => name),
    simulator: { rate, keep: Math.ceil(rate * (seconds + 60)) },
    ingestor: { METRICS_PORT: String(port) },
  });
  const bare = await BareProcess.start();
  try {
    const simulators = [...stack.simulators.values()];
    await until(() => simulators.every((simulator) => simulator.state().sockets > 0));
    // The first seconds warm everything up.
    await pause(5000);
    const heads = simulators.map((simulator) => simulator.state().head);
    const before = await scrape(port);
    await bare.loopDelay();
    const begun = Date.now();
    let peakMemory = 0;
    while (Date.now() - begun < seconds * 1000) {
      peakMemory = Math.max(peakMemory, await memoryOf(stack.ingestor?.pid ?? 0));
      await pause(1000);
    }
    const after = await scrape(port);
    const bareDelay = await bare.loopDelay();
    for (const { pace } of simulators) pace.pause();
    const framesPerSecond = Math.round(
      (sum(after, "tickcast_frames_total") - sum(before, "tickcast_frames_total")) / ((Date.now() - begun) / 1000),
    );
    const loopDelay = Math.round(sum(after, "nodejs_eventloop_lag_p99_seconds") * 1000);
    const results = await Promise.all(simulators.map((one, i) => missing(stack, one, heads[i] ?? 0)));
    // Only now: what has come late may have come by way of a gap.
    const gaps = sum(await scrape(port), "tickcast_gaps_total") - sum(before, "tickcast_gaps_total");
    const executed = results.reduce((all, one) => all + one.executed, 0);
    const lost = results.reduce((all, one) => all + one.lost, 0);
    return { framesPerSecond, executed, lost, gaps, peakMemory, loopDelay, bareDelay };
  } finally {
    await bare.stop();
    await stack.stop();
  }
}

/**
 * Of the trades that a simulator executed after the `head`-th, how many its log does not have. They come one partition after the
 * other, on a busy machine seconds later: those are lost that still do not come when none has come for a while.
 */
async function missing(stack: Stack, simulator: Simulator, head: number): Promise<{ executed: number; lost: number }> {
  const trades = executedSince(simulator, head);
  const settings = { brokers: stack.kafka?.brokers ?? [], ssl: false, prefix: "sim." };
  let left = trades;
  let progress = Date.now();
  await until(async () => {
    const logs = await readLog(settings, simulator.exchange, createLogger("silent"));
    const events = logs.flatMap((log) => log.events);
    const known = new Set(
      events.flatMap(({ event }) => (event.type === "trade" ? [`${event.instrument}/${event.id}`] : [])),
    );
    const now = left.filter((trade) => !known.has(keyOf(simulator, trade)));
    if (now.length < left.length) progress = Date.now();
    left = now;
    return left.length === 0 || Date.now() - progress > SETTLED;
  });
  return { executed: trades.length, lost: left.length };
}

function executedSince(simulator: Simulator, head: number) {
  const all = [];
  for (let after = head; ; ) {
    const { trades, next } = simulator.executed(after, 10_000);
    if (trades.length === 0) return all;
    all.push(...trades);
    after = next;
  }
}

function keyOf(simulator: Simulator, { market, id }: { readonly market: string; readonly id: string }): string {
  return `${simulator.exchange}:${market.split("-").reverse().join("-")}/${id}`;
}

async function scrape(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return response.text();
}

/** All samples of a metric together. */
function sum(text: string, name: string): number {
  const samples = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return samples.reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
}

/** The resident memory of a process, MB. */
async function memoryOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Math.round(Number(stdout.trim()) / 1024);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
