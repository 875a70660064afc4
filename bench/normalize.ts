/** How many events a second one core makes of each exchange's recorded frames: from bytes to normalised events, as the collector does. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type Exchange, FrameError, type Parse, type ParsedEvent } from "../ingestor/exchanges/exchange.ts";
import { exchanges } from "../ingestor/exchanges/index.ts";
import { bareLoop } from "./bare.ts";

const RECORDINGS = new URL("../../shared/recordings/", import.meta.url);
const TYPES = ["trade", "ticker"] as const;
const recordedLine = z.object({ frame: z.string() });

/** Frames that hold events of one type alone, and how many of these in one round through them. */
interface Round {
  readonly frames: readonly Buffer[];
  readonly events: number;
}

/** @param seconds how long each type of each exchange's frames is read, after a third of it to warm up */
export function benchNormalize({ seconds }: { seconds: number }): void {
  if (!existsSync(RECORDINGS)) {
    console.error(
      `there are no recordings in ${fileURLToPath(RECORDINGS)}: put <exchange>/*.jsonl there, {"recv","frame"} a line`,
    );
    process.exitCode = 1;
    return;
  }
  for (const exchange of exchanges) {
    // Without a market list: symbols that need it are then split the slow way.
    const parse = exchange.parser([]);
    const frames = recordedFrames(exchange);
    const results = TYPES.map((type) => measure(type, roundOf(type, frames, parse), parse, seconds * 1000));
    console.log(`${exchange.name.padEnd(8)} ${results.join("; ")}`);
  }
}

function recordedFrames({ name }: Exchange): string[] {
  const folder = new URL(`${name}/`, RECORDINGS);
  const recorded = existsSync(folder) ? readdirSync(folder).map((file) => new URL(file, folder)) : [];
  // The documentation's own examples: some frames have been recorded by nobody.
  const files = [...recorded, new URL(`examples/${name}.jsonl`, RECORDINGS)];
  return files.filter((file) => file.pathname.endsWith(".jsonl") && existsSync(file)).flatMap(framesOf);
}

function framesOf(file: URL): string[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => recordedLine.parse(JSON.parse(line)).frame);
}

function roundOf(type: ParsedEvent["type"], recorded: readonly string[], parse: Parse): Round {
  const told = recorded.map((frame) => ({ frame, events: eventsOf(frame, parse) }));
  const own = told.filter(({ events }) => events.length > 0 && events.every((event) => event.type === type));
  return {
    frames: own.map(({ frame }) => Buffer.from(frame)),
    events: own.reduce((sum, { events }) => sum + events.length, 0),
  };
}

function eventsOf(frame: string, parse: Parse): readonly ParsedEvent[] {
  try {
    const parsed = parse(frame, null);
    return parsed.kind === "events" ? parsed.events : [];
  } catch (error) {
    // Some recordings hold what we said, or rows of a list.
    if (error instanceof FrameError) return [];
    throw error;
  }
}

function measure(type: string, { frames, events }: Round, parse: Parse, ms: number): string {
  if (frames.length === 0) return `no ${type}s recorded`;
  repeat(frames, parse, ms / 3);
  const { rounds, took } = repeat(frames, parse, ms);
  const rate = Math.round((rounds * events * 1000) / took).toLocaleString("en");
  const each = ((took * 1000) / (rounds * frames.length)).toFixed(1);
  const texts = frames.map((frame) => frame.toString("utf8"));
  const bare = bareLoop(() => texts.forEach((text) => void JSON.parse(text))) / texts.length;
  const times = (Number(each) / bare).toFixed(1);
  return `${rate} ${type}s/s, ${each} µs a frame, ${times} times a bare JSON.parse (${frames.length} different)`;
}

/** Reads the frames again and again for so many ms of processor time: what else the machine does must not count. */
function repeat(frames: readonly Buffer[], parse: Parse, ms: number): { rounds: number; took: number } {
  const before = process.cpuUsage();
  let rounds = 0;
  let took = 0;
  while (took < ms) {
    for (const frame of frames) parse(frame.toString("utf8"), 0);
    rounds += 1;
    // To ask the clock costs as much as a frame.
    if (rounds % 100 > 0) continue;
    const { user, system } = process.cpuUsage(before);
    took = (user + system) / 1000;
  }
  return { rounds, took };
}
