import { join } from "node:path";
import { startProcess } from "./guarded-process.ts";
import { type Service, startService } from "./service.ts";

const REPOSITORY = join(import.meta.dirname, "..");
const MAIN = join(REPOSITORY, "ingestor", "main.ts");

/** How to start an ingestor. */
export interface IngestorOptions {
  /** What `ingestor/config.ts` reads; added to our own environment. */
  env: NodeJS.ProcessEnv;
  logFile: string;
}

/** Starts an ingestor; resolves when its process runs, for that prices flow is seen at the other end only. */
export function startIngestor({ env, logFile }: IngestorOptions): Promise<Service> {
  return startService(() =>
    startProcess({
      command: process.execPath,
      args: ["--disable-warning=ExperimentalWarning", MAIN],
      cwd: REPOSITORY,
      env: { ...process.env, ...env },
      logFile,
    }),
  );
}
