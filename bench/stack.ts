/** A stack of its own for each benchmark. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Stack, type StackOptions, startStack } from "../local/stack.ts";

export async function benchStack(options: Partial<StackOptions>): Promise<Stack> {
  const dataDir = await mkdtemp(join(tmpdir(), "tickcast-bench-"));
  const stack = await startStack({ dataDir, source: "simulated", restart: false, ...options });
  return {
    ...stack,
    async stop() {
      await stack.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
