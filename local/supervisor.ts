import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./found.ts";

const POLL_MS = 250;
/** What to wait before a part is started again, ms: longer each time it did not settle. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** After running for so long, ms, a part has settled. */
const SETTLED_MS = 60_000;
/** A part that has not settled for so long, ms, is given up: time to make room on a disk, or for a busy machine to calm down. */
const TIMEOUT_MS = 600_000;

/** What is watched. */
export interface Watched {
  name: string;
  running(): boolean;
  /** Starts it again; throws when it can't. */
  start(): Promise<void>;
  /** How and why it ended, for the operator. */
  exitReason(): Promise<string>;
  /** Whether starting it again could help; by default it could. */
  hopeless?(): Promise<boolean>;
  /** The rest goes on without it, so it is never given up. */
  optional?: boolean;
}

export interface SupervisorOptions {
  /** False leaves alone what ends; true by default. */
  restart?: boolean;
  /** Called when a part ends, and when it is back. */
  onPart?: (part: string, text: string) => void;
  /** How long a part may fail before it is given up; 10 min by default. */
  timeoutMs?: number;
  /** What to wait before the first new start; 500 ms by default. */
  pauseMs?: number;
}

/** Watches parts and starts again what ends. */
export class Supervisor {
  /** Resolves with a line for people when a part has ended for good. */
  readonly died: Promise<string>;
  readonly #onLine: (part: string, text: string) => void;
  readonly #timeoutMs: number;
  readonly #pauseMs: number;
  readonly #stopping = new AbortController();
  #giveUp: (line: string) => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#onLine = options.onPart ?? (() => undefined);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#pauseMs = options.pauseMs ?? FIRST_PAUSE_MS;
    if (options.restart === false) this.stop();
    this.died = new Promise((resolve) => {
      this.#giveUp = resolve;
    });
  }

  watch(part: Watched): void {
    void this.#keepRunning(part).catch((error) => this.#giveUp(`${part.name} ${messageOf(error)}`));
  }

  /** What ends from now on is meant to. */
  stop(): void {
    this.#stopping.abort();
  }

  async #keepRunning(part: Watched): Promise<void> {
    let trouble = new Trouble();
    let startedAt: number | undefined = Date.now();
    while (await this.#ended(part)) {
      if (startedAt !== undefined && Date.now() - startedAt > SETTLED_MS) trouble = new Trouble();
      const why = [await part.exitReason(), trouble.obstacle].filter((one) => one !== "").join("; ");
      const overdue = part.optional !== true && trouble.age > this.#timeoutMs;
      if (overdue || (await part.hopeless?.())) {
        this.#giveUp(`${part.name} has ended${why && `: ${why}`}`);
        return;
      }
      if (trouble.obstacle === "") this.#onLine(part.name, `has ended; starting it again${why && `: ${why}`}`);
      if (!(await this.#waited(trouble.pause(this.#pauseMs)))) return;
      startedAt = await this.#start(part, trouble);
    }
  }

  /** @returns false when nobody wants to wait any more */
  async #waited(ms: number): Promise<boolean> {
    return sleep(ms, true, { signal: this.#stopping.signal }).catch(() => false);
  }

  /** @returns when it started, ms; undefined when it did not */
  async #start(part: Watched, trouble: Trouble): Promise<number | undefined> {
    try {
      await part.start();
    } catch (error) {
      trouble.obstacle = `it does not start: ${messageOf(error)}`;
      this.#onLine(part.name, `does not start, trying again: ${messageOf(error)}`);
      return undefined;
    }
    trouble.obstacle = "";
    this.#onLine(part.name, "is back");
    return Date.now();
  }

  /** Resolves when the part no longer runs: true, or when nobody wants to know any more: false. */
  async #ended(part: Watched): Promise<boolean> {
    while (!this.#stopping.signal.aborted) {
      if (!part.running()) return true;
      await sleep(POLL_MS, undefined, { ref: false });
    }
    return false;
  }
}

/** The time from a part's end until it has settled again. */
class Trouble {
  /** What keeps it from starting; empty while nothing is known to. */
  obstacle = "";
  readonly #since = Date.now();
  #tries = 0;

  /** ms */
  get age(): number {
    return Date.now() - this.#since;
  }

  /** What to wait before the next try, ms. @param first before the first one */
  pause(first: number): number {
    this.#tries += 1;
    return Math.min(LONGEST_PAUSE_MS, first * 4 ** (this.#tries - 1));
  }
}

/** Whether a process exists. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
