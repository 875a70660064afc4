import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./found.ts";
import type { GuardedProcess } from "./guarded-process.ts";

const POLL_MS = 50;
/**
 * A machine that is busy with other things may take minutes for what takes seconds. While the process runs there is
 * hope, and progress is reported; only one that hangs is given up.
 */
const TIMEOUT_MS = 300_000;
const PROGRESS_MS = 10_000;

export interface WaitOptions {
  /** 300 s by default. */
  timeoutMs?: number;
  /** Called every 10 s with the probe's last error. */
  onProgress?: ((message: string) => void) | undefined;
}

/**
 * Asks `probe` until it answers without throwing: an open port is not yet a service.
 *
 * @throws Error with the end of the log when the process ends first, with the probe's last error when the time is up.
 */
export async function waitUntilReady(
  process: GuardedProcess,
  probe: () => Promise<void>,
  { timeoutMs = TIMEOUT_MS, onProgress }: WaitOptions = {},
): Promise<void> {
  const since = Date.now();
  const [name] = process.logFile.split("/").slice(-1);
  let amiss = "no answer yet";
  const progress = setInterval(
    () => onProgress?.(`not ready after ${Math.round((Date.now() - since) / 1_000)} s: ${amiss} (${name})`),
    PROGRESS_MS,
  );
  try {
    for (;;) {
      try {
        await probe();
        if (process.running) return;
      } catch (error) {
        amiss = messageOf(error);
      }
      if (!process.running) throw await endedTooSoon(process);
      if (Date.now() - since > timeoutMs) {
        throw new Error(`not ready after ${timeoutMs / 1_000} s: ${amiss} (log: ${process.logFile})`);
      }
      await sleep(POLL_MS);
    }
  } finally {
    clearInterval(progress);
  }
}

async function endedTooSoon(process: GuardedProcess): Promise<Error> {
  const { code, signal } = await process.exited;
  return new Error(`ended with ${signal ?? `code ${code}`} before it was ready: ${await process.failureLine()}`);
}
