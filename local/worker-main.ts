/** The Worker's process: Miniflare over the bundle, with all of `wrangler.toml`. Started by `worker.ts`. */

import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { dirname } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { z } from "zod";

const workerSettings = z.object({
  port: z.int(),
  bundle: z.string(),
  persistDir: z.string(),
  vars: z.record(z.string(), z.string()),
});
/** Comes as JSON in `TICKCAST_WORKER`. */
export type WorkerSettings = z.infer<typeof workerSettings>;

const { port, bundle, persistDir, vars } = workerSettings.parse(JSON.parse(process.env["TICKCAST_WORKER"] ?? "null"));
const { workerOptions, externalWorkers } = unstable_getMiniflareWorkerOptions("wrangler.toml");
const { assets, ...withoutAssets } = workerOptions;
const assetsOptions = z.looseObject({ directory: z.string() }).parse(assets);
const runtime = new Miniflare(
  convertV4MiniflareOptions({
    cf: false,
    log: new Log(LogLevel.WARN),
    resourcePersistencePath: persistDir,
    workers: [
      {
        name: "tickcast",
        ...withoutAssets,
        // As deployed, without the Worker that Miniflare puts before all others: each frame to a client would pass through it
        // too, 5 % of what a frame costs.
        unsafeDirectSockets: [{ host: await listenHost(), port }],
        // Ours alone: a `.dev.vars` that lies about is for `wrangler dev`.
        bindings: vars,
        rootPath: dirname(bundle),
        modules: [{ type: "ESModule", path: bundle }],
        // The Worker comes first anyhow, and with assets of its own it would stand behind two more of Miniflare's.
        serviceBindings: { ASSETS: "assets" },
      },
      {
        name: "assets",
        modules: true,
        script: "",
        assets: { ...assetsOptions, run_worker_first: false, routerConfig: {} },
      },
      ...externalWorkers,
    ],
  }),
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end());
await runtime.ready;

async function end(): Promise<void> {
  await runtime.dispose();
  process.exit(0);
}

/** `localhost` listens on 127.0.0.1 and ::1, but it fails where one of them is not there, and may leave out the other. */
async function listenHost(): Promise<string> {
  const named = (await lookup("localhost", { all: true })).map(({ address }) => address);
  const present = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  return named.includes("127.0.0.1") && named.every((address) => present.includes(address)) ? "localhost" : "127.0.0.1";
}
