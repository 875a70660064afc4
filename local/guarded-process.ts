import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fullDisk } from "./disk.ts";
import { errorLine } from "./error-line.ts";
import { findOnPath } from "./find-program.ts";
import { messageOf } from "./found.ts";

/**
 * Starts the program in a process group with a guardian. The guardian blocks on a pipe that only we hold open:
 * when we end, even by kill -9, the pipe closes and the guardian kills the whole group. It is started before
 * `exec`, so there is no moment without it, and the program keeps the pid of the shell: ours to signal.
 */
const GUARDED = `(trap '' HUP INT TERM; read -r _ <&3; kill -s KILL -- -$$) & exec "$@" 3<&-`;

const DEFAULT_GRACE_MS = 5_000;
/** A log may be gigabytes long. */
const LOG_TAIL_BYTES = 65_536;
/** Among so many the reason is looked for. */
const LAST_LINES = 200;

/** What to run and where its output goes. */
export interface ProcessOptions {
  /** A path, or a name to look up on PATH. */
  command: string;
  args?: readonly string[];
  cwd?: string;
  /** Replaces the environment; ours by default. */
  env?: NodeJS.ProcessEnv;
  /** stdout and stderr are appended here; its folder is made. */
  logFile: string;
  /** How long `stop()` waits after SIGTERM before SIGKILL, in ms; 5000 by default. */
  graceMs?: number;
}

/** How a process ended: an exit code, or the signal that killed it. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A program in its own process group, which never outlives us. */
export class GuardedProcess {
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the program has ended and nothing of its group is left running; never rejects. */
  readonly exited: Promise<Exit>;
  readonly #graceMs: number;
  /** Where its part of the log begins, bytes: what stands before is of earlier runs. */
  readonly #logStart: number;
  #running = true;

  constructor(child: ChildProcess, pid: number, { logFile, logStart, graceMs }: GuardedOptions) {
    this.pid = pid;
    this.logFile = logFile;
    this.#graceMs = graceMs;
    this.#logStart = logStart;
    this.exited = once(child, "exit").then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
      this.#running = false;
      // The guardian, and whatever the program left behind. The group's number can't have been taken by others:
      // the guardian is still in it.
      signalGroup(pid, "SIGKILL");
      child.stdio[3]?.destroy();
      return { code: typeof code === "number" ? code : null, signal: typeof signal === "string" ? signal : null };
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** SIGTERM to the group, SIGKILL after the grace; resolves when it is gone. */
  async stop(): Promise<Exit> {
    if (this.#running) {
      signalGroup(this.pid, "SIGTERM");
      signalGroup(this.pid, "SIGCONT"); // a stopped process would not see the SIGTERM
      const waiting = new AbortController();
      const grace = sleep(this.#graceMs, undefined, { signal: waiting.signal }).catch(() => undefined);
      await Promise.race([this.exited, grace]);
      waiting.abort();
    }
    return this.kill();
  }

  /** SIGKILL to the group at once; resolves when it is gone. */
  async kill(): Promise<Exit> {
    if (this.#running) signalGroup(this.pid, "SIGKILL");
    return this.exited;
  }

  /** The last lines it logged, for error messages. @throws Error when the log can't be read */
  async logTail(lines = 5): Promise<string> {
    const log = await open(this.logFile, "r");
    try {
      const { size } = await log.stat();
      const start = Math.max(this.#logStart, size - LOG_TAIL_BYTES);
      const { buffer, bytesRead } = await log.read({ buffer: Buffer.alloc(LOG_TAIL_BYTES), position: start });
      return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n").slice(-lines).join("\n");
    } finally {
      await log.close();
    }
  }

  /** How it ended and what may have been the reason, for people. Resolves when it has ended. */
  async exitReason(): Promise<string> {
    const { code, signal } = await this.exited;
    return [signal ?? `exit code ${code}`, await this.failureLine()].filter((one) => one !== "").join(", ");
  }

  /** The error line of its log, and a full disk, which may have kept it from logging more. */
  async failureLine(): Promise<string> {
    const said = await this.logTail(LAST_LINES).then(errorLine, messageOf);
    return [said, await fullDisk(dirname(this.logFile))].filter(Boolean).join("; ");
  }
}

interface GuardedOptions {
  logFile: string;
  logStart: number;
  graceMs: number;
}

/**
 * Starts a program; resolves once it has been spawned.
 *
 * @throws Error naming the program when it is not installed or can't be started.
 */
export async function startProcess(options: ProcessOptions): Promise<GuardedProcess> {
  const program = await findOnPath(options.command, options.env?.["PATH"]);
  if (program === undefined) throw new Error(`Can't start ${options.command}: not found, or not executable`);
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = await open(options.logFile, "a");
  try {
    const { size: logStart } = await log.stat();
    const stdio: StdioOptions = ["ignore", log.fd, log.fd, "pipe"];
    const child = spawn("/bin/sh", ["-c", GUARDED, "sh", program, ...(options.args ?? [])], {
      detached: true,
      stdio,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    await once(child, "spawn");
    if (child.pid === undefined) throw new Error("no process id");
    const { logFile, graceMs = DEFAULT_GRACE_MS } = options;
    return new GuardedProcess(child, child.pid, { logFile, logStart, graceMs });
  } catch (error) {
    throw new Error(`Can't start ${options.command}: ${messageOf(error)}`, { cause: error });
  } finally {
    await log.close();
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    const gone = error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "EPERM");
    if (!gone) throw error; // EPERM is what macOS says of a group of zombies
  }
}
