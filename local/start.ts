/** `npm start`: all of Tickcast on this machine. */

import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { VERSION } from "../protocol/version.ts";
import { persistentToken, takeDataFolder } from "./data-folder.ts";
import { fullDisk } from "./disk.ts";
import { firstPrice } from "./first-price.ts";
import { messageOf } from "./found.ts";
import { isPortFree } from "./ports.ts";
import { choosePrices } from "./prices.ts";
import { readSettings, type Settings, StartError } from "./settings.ts";
import { type Stack, startStack } from "./stack.ts";

const OLDEST_NODE = 22;
const READY_TIMEOUT_MS = 300_000;
/** How long the other exchanges are waited for once the prices of one flow. */
const REST_TIMEOUT_MS = 10_000;
const WAITING_EVERY_MS = 10_000;
/** What is on its way up when the start is broken off gets this long, ms; the guardians end it then. */
const BREAK_OFF_MS = 4_000;
/** npm passes a signal on that the terminal has given to all: two at once are one. */
const SAME_SIGNAL_MS = 500;

const program = new Command("npm start --")
  .description("Starts all of Tickcast on this machine, and says when prices flow.")
  .option("--fresh", "forget what earlier runs kept", false)
  .addHelpText("after", "\nSettings come from the environment, see PROTOCOL.md §9.")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const ending = new AbortController();
listenToSignals();
process.stdout.on("error", () => undefined); // who read along has left; the prices go on
try {
  const settings = readSettings(process.env);
  process.exitCode = await run(settings, program.opts<{ fresh: boolean }>().fresh).catch(async (error) => {
    if (ending.signal.aborted) return 0;
    console.error(await explained(messageOf(error), settings.dataDir));
    return exitCodeOf(error);
  });
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = exitCodeOf(error);
}
process.exit();

/** From the first line to the last; resolves with the exit code. */
async function run(settings: Settings, fresh: boolean): Promise<number> {
  checkNode();
  const prepared = takeDataFolder(settings.dataDir).then(async () => {
    await checkPort(settings.port);
    if (fresh) await forgetAll(settings.dataDir);
    return true;
  });
  // A folder on a strange file system may never answer; of one that does, nothing is left half done.
  if ((await Promise.race([prepared, brokenOff(prepared)])) === undefined || ending.signal.aborted) return 0;
  const since = Date.now();
  const starting = bringUp(settings);
  const stack = await Promise.race([starting, brokenOff(starting)]);
  if (stack === undefined) return 0;
  const url = `http://localhost:${settings.port}`;
  const exchanges = settings.exchanges.map(({ exchange }) => exchange.name);
  const outcome = await Promise.race([
    ended(),
    stack.died,
    ready(stack, exchanges, since).then(async () => {
      console.log(`ready ${url} mode=${stack.mode} source=${stack.source}`);
      return Promise.race([ended(), stack.died]);
    }),
  ]).catch(messageOf);
  if (outcome !== undefined) console.error(await explained(outcome, settings.dataDir));
  await stack.stop();
  return outcome === undefined ? 0 : 1;
}

async function bringUp(settings: Settings): Promise<Stack> {
  const { dataDir, port, exchanges, kafka, redis, ingestToken, adminToken, source } = settings;
  const prices = await choosePrices({ source, exchanges });
  ending.signal.throwIfAborted();
  const folder = join(dataDir, prices.source === "live" ? "live" : "sim");
  say("tickcast", `${VERSION}, keeps its data in ${folder}`);
  say("prices", `${prices.source}: ${prices.reason}`);
  return startStack({
    dataDir: folder,
    port,
    source: prices.source,
    simulator: prices.simulator,
    simulators: prices.simulators,
    exchanges: exchanges.map(({ exchange }) => exchange.name),
    ingestToken: ingestToken ?? (await persistentToken(dataDir, "ingest")),
    adminToken: adminToken ?? (await persistentToken(dataDir, "admin")),
    ...(kafka ? { kafka } : {}),
    ...(redis ? { redis } : {}),
    onPart: say,
    onProgress: say,
    signal: ending.signal,
  });
}

/** The line that everything ends with; a full disk is behind many others, and keeps most programs from saying so. */
async function explained(line: string, dataDir: string): Promise<string> {
  const full = await fullDisk(dataDir);
  return full === undefined || line.includes("MB are free") ? line : `${line}; ${full}`;
}

function exitCodeOf(error: unknown): 1 | 2 {
  return error instanceof StartError ? error.exitCode : 1;
}

/** Resolves when prices of every exchange flow, or soon after those of one do. @throws Error after five minutes */
async function ready(stack: Stack, exchanges: readonly string[], since: number): Promise<void> {
  const timeout = AbortSignal.timeout(READY_TIMEOUT_MS);
  const done = new AbortController();
  const signal = AbortSignal.any([timeout, ending.signal, done.signal]);
  let waiting = "";
  const reminder = setInterval(() => say("waiting", `for ${waiting}`), WAITING_EVERY_MS);
  const onWaiting = (what: string) => {
    waiting = what;
  };
  const { url, mode } = stack;
  try {
    const flowing = exchanges.map((exchange) => firstPrice({ url, exchange, since, mode, signal, onWaiting }));
    await Promise.any(flowing);
    // One that is away must not keep the others' prices from being used.
    await Promise.race([Promise.allSettled(flowing), sleep(REST_TIMEOUT_MS, undefined, { signal })]);
  } catch {
    throw new Error(`no price after ${READY_TIMEOUT_MS / 1_000} s, still waiting for ${waiting}; see ${stack.logDir}`);
  } finally {
    clearInterval(reminder);
    done.abort();
  }
}

/** Resolves after the first signal. */
function ended(): Promise<undefined> {
  return new Promise((resolve) => {
    if (ending.signal.aborted) resolve(undefined);
    ending.signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** Resolves when a signal came before everything was up, and what was up is ended. */
async function brokenOff(starting: Promise<unknown>): Promise<undefined> {
  await ended();
  await Promise.race([starting.catch(() => undefined), sleep(BREAK_OFF_MS)]);
}

function listenToSignals(): void {
  let first = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (first === 0) {
        first = Date.now();
        say("tickcast", "ending; once more to end at once");
        ending.abort();
      } else if (Date.now() - first > SAME_SIGNAL_MS) process.exit(1);
    });
  }
}

/** @throws {StartError} on a Node that is too old */
function checkNode(): void {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= OLDEST_NODE) return;
  throw new StartError(
    `Node ${node} is too old: run "npm ci" and then "npm start", which uses the Node that npm ci brings`,
  );
}

/** @throws {StartError} when the port can't be listened on */
async function checkPort(port: number): Promise<void> {
  if ((await isPortFree(port)) && !(await answers("::1", port))) return;
  throw new StartError(`port ${port} is taken: end what uses it, or set PORT to another one`);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
    socket.setTimeout(1_000, () => socket.destroy());
  });
}

async function forgetAll(dataDir: string): Promise<void> {
  await Promise.all(["sim", "live"].map((folder) => rm(join(dataDir, folder), { recursive: true, force: true })));
}

function say(part: string, text: string): void {
  console.log(`${part.padEnd(10)} ${text}`);
}
