import type { Exit, GuardedProcess } from "./guarded-process.ts";

/** A part that is one process of ours, or one group of them, and can be killed and started again the same way. */
export interface Service {
  /** Of the leading process and its group, so that `process.kill(-pid, …)` reaches all; another one after `start()`. */
  readonly pid: number;
  readonly running: boolean;
  /** How the present process ends. */
  readonly exited: Promise<Exit>;
  /** How the present process ended and what may have been the reason, for people; resolves when it has. */
  exitReason(): Promise<string>;
  /** kill -9 of the whole group. */
  kill(): Promise<void>;
  /** Starts it again unless it runs. */
  start(): Promise<void>;
  /** Ends it in good order; resolves when it is gone. */
  stop(): Promise<void>;
}

/** @param launch starts the process and resolves when it does its work */
export async function startService(launch: () => Promise<GuardedProcess>): Promise<Service> {
  let process = await launch();
  return {
    get pid() {
      return process.pid;
    },
    get running() {
      return process.running;
    },
    get exited() {
      return process.exited;
    },
    exitReason: () => process.exitReason(),
    async kill() {
      await process.kill();
    },
    async start() {
      if (!process.running) process = await launch();
    },
    async stop() {
      await process.stop();
    },
  };
}
