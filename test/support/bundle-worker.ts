/** Bundles the Worker once for all test files: it takes seconds, and every stack runs the same. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildWorker } from "../../local/worker.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The path of the bundle. */
    workerBundle: string;
  }
}

/** @returns what removes it */
export default async function bundleWorker({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "tickcast-bundle-"));
  provide("workerBundle", await buildWorker(folder, join(folder, "build.log")));
  return () => rm(folder, { recursive: true, force: true });
}
