import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./found.ts";

const POLL_MS = 250;
/** What to wait before each new start of a part, ms; when they are used up the part is given up. */
const BACKOFF_MS = [500, 2_000];
/** After running for so long, ms, a part has its chances back. */
const SETTLED_MS = 60_000;

/** What is watched. */
export interface Watched {
  name: string;
  running(): boolean;
  /** Starts it again; throws when it can't. */
  start(): Promise<void>;
  /** What it said last, for the one who has to find out why it ended. */
  lastWords?(): Promise<string>;
  /** Whether starting it again could help; by default it could. */
  hopeless?(): Promise<boolean>;
}

/** Watches parts and starts again what ends. */
export class Supervisor {
  /** Resolves with a line for people when a part has ended for good. */
  readonly died: Promise<string>;
  readonly #onLine: (part: string, text: string) => void;
  #stopped: boolean;
  #giveUp: (line: string) => void = () => undefined;

  /** @param options `restart: false` leaves alone what ends */
  constructor(options: { restart?: boolean; onPart?: (part: string, text: string) => void }) {
    this.#onLine = options.onPart ?? (() => undefined);
    this.#stopped = options.restart === false;
    this.died = new Promise((resolve) => {
      this.#giveUp = resolve;
    });
  }

  watch(part: Watched): void {
    void this.#keepRunning(part).catch((error) => this.#giveUp(`${part.name} ${messageOf(error)}`));
  }

  /** What ends from now on is meant to. */
  stop(): void {
    this.#stopped = true;
  }

  async #keepRunning(part: Watched): Promise<void> {
    let tries = 0;
    let since = Date.now();
    while (await this.#ended(part)) {
      if (Date.now() - since > SETTLED_MS) tries = 0;
      const pause = BACKOFF_MS[tries];
      const words = (await part.lastWords?.()) ?? "";
      if (pause === undefined || (await part.hopeless?.())) {
        this.#giveUp(`${part.name} has ended${words && `: ${words}`}`);
        return;
      }
      tries += 1;
      this.#onLine(
        part.name,
        `has ended; starting it again (${tries} of ${BACKOFF_MS.length})${words && `: ${words}`}`,
      );
      await sleep(pause);
      if (this.#stopped) return;
      since = Date.now();
      await part.start().then(
        () => this.#onLine(part.name, "is back"),
        (error) => this.#onLine(part.name, `does not start: ${messageOf(error)}`),
      );
    }
  }

  /** Resolves when the part no longer runs: true, or when nobody wants to know any more: false. */
  async #ended(part: Watched): Promise<boolean> {
    while (!this.#stopped) {
      if (!part.running()) return true;
      await sleep(POLL_MS, undefined, { ref: false });
    }
    return false;
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
