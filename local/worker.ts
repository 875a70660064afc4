import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fullDisk } from "./disk.ts";
import { type GuardedProcess, startProcess } from "./guarded-process.ts";
import { freePort } from "./ports.ts";
import { waitUntilReady } from "./ready.ts";
import { type Service, startService } from "./service.ts";
import type { WorkerSettings } from "./worker-main.ts";

const REPOSITORY = join(import.meta.dirname, "..");
const MAIN = join(import.meta.dirname, "worker-main.ts");
/** The first answer takes longest, and on a busy machine much longer: an impatient question is a question for nothing, ms. */
const ANSWER_MS = 60_000;
/** Nothing waits in it: what it has acknowledged is stored. */
const GRACE_MS = 2_000;

/** What the Worker finds as its environment, see `durable-objects/env.ts`. */
export interface WorkerVars {
  INGEST_TOKEN: string;
  ADMIN_TOKEN?: string;
  UPSTASH_REDIS_REST_URL?: string;
  UPSTASH_REDIS_REST_TOKEN?: string;
  PRICES?: string;
  ALLOWED_ORIGINS?: string;
  CLIENT_TOKEN_SECRET?: string;
}

/** How to start the Worker. */
export interface WorkerOptions {
  /** A free one by default. */
  port?: number;
  /** Where the objects keep their storage; a later start with the same folder carries on with it. */
  persistDir: string;
  vars: WorkerVars;
  /** What the runtime and the Worker print. */
  logFile: string;
  /** What {@link buildWorker} made, when it has run already. */
  bundle?: string;
  /** Called now and then with the progress of a slow start. */
  onProgress?: (message: string) => void;
}

/** The Worker and its objects in the real runtime. */
export interface Worker extends Service {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
}

/**
 * Bundles the Worker as a deployment would.
 *
 * @returns the path of the bundle
 * @throws Error with what Wrangler said
 */
export async function buildWorker(folder: string, logFile: string): Promise<string> {
  const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin", "wrangler.js");
  await mkdir(folder, { recursive: true });
  const build = await startProcess({
    command: process.execPath,
    args: [wrangler, "deploy", "--dry-run", "--outdir", folder],
    cwd: REPOSITORY,
    env: wranglerEnvironment(),
    logFile,
  });
  const { code } = await build.exited;
  if (code !== 0) throw new Error(`bundling the Worker failed: ${await bundlingProblem(build)} (log: ${logFile})`);
  return join(folder, "index.js");
}

/**
 * Starts the Worker on localhost; resolves when it answers.
 *
 * @throws Error with the end of the log when it does not
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { persistDir, vars, logFile, onProgress, port = await freePort() } = options;
  const bundle = options.bundle ?? (await buildWorker(join(persistDir, "..", "bundle"), logFile));
  const url = `http://127.0.0.1:${port}`;
  const all = { PUBLIC_URL: localOrigins(port), WEBSOCKET_COMPRESSION: "refused", ...vars };
  const settings: WorkerSettings = { port, bundle, persistDir, vars: all };
  const service = await startService(async () => {
    const worker = await startProcess({
      command: process.execPath,
      args: ["--disable-warning=ExperimentalWarning", MAIN, persistDir],
      cwd: REPOSITORY,
      // Not as an argument: tokens would show in the process list.
      env: { ...wranglerEnvironment(), TICKCAST_WORKER: JSON.stringify(settings) },
      logFile,
      graceMs: GRACE_MS,
    });
    try {
      await waitUntilReady(worker, () => ask(`${url}/v1/info`), { onProgress });
      return worker;
    } catch (error) {
      await worker.kill();
      throw error;
    }
  });
  return Object.assign(service, { url, port });
}

async function bundlingProblem(build: GuardedProcess): Promise<string> {
  return [await build.logTail(), await fullDisk(dirname(build.logFile))].filter(Boolean).join("; ");
}

async function ask(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

/** Every address that a Worker on localhost is reached at; what a request calls it besides is not to be believed. */
function localOrigins(port: number): string {
  return ["localhost", "127.0.0.1", "[::1]"].map((host) => `http://${host}:${port}`).join(",");
}

/** Wrangler as a quiet tool: no telemetry, no look-up of newer versions, no log files of its own. */
function wranglerEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_WRITE_LOGS: "false",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    NO_COLOR: "1",
  };
}
