import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./found.ts";
import type { GuardedProcess } from "./process.ts";

const POLL_MS = 50;

/**
 * Asks `probe` until it answers without throwing: an open port is not yet a service.
 *
 * @throws Error with the end of the log when the process ends first, with the probe's last error after `timeoutMs`.
 */
export async function waitUntilReady(
  process: GuardedProcess,
  probe: () => Promise<void>,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await probe();
      if (process.running) return;
    } catch (error) {
      if (process.running && Date.now() > deadline) {
        throw new Error(`not ready after ${timeoutMs / 1_000} s: ${messageOf(error)} (log: ${process.logFile})`);
      }
    }
    if (!process.running) {
      const { code, signal } = await process.exited;
      throw new Error(`ended with ${signal ?? `code ${code}`} before it was ready: ${await process.logTail()}`);
    }
    await sleep(POLL_MS);
  }
}
