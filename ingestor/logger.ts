/** The ingestor's log: one JSON object a line, to standard error, so that standard output stays a command's own. */

import { type Logger, pino } from "pino";

export type { Logger };

/** @param level from `LOG_LEVEL`; `info` by default */
export function createLogger(level = process.env["LOG_LEVEL"] ?? "info"): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** What to log of something thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
