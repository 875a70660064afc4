import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Most unit tests wait more than they compute: on two cores, where one worker is the default, two still overlap.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: "unit",
          include: ["{protocol,ingestor,client,local,simulator,bench}/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { INGEST_TOKEN: "test-ingest-token", PUBLIC_URL: "https://tickcast.test" } },
          }),
        ],
        test: {
          name: "workerd",
          include: ["{durable-objects,worker}/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "system",
          include: ["test/**/*.test.ts"],
          globalSetup: ["test/support/bundle-worker.ts"],
          // Each file runs a whole stack: one at a time, or they starve each other.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
