/** The ingestor: collects exchanges into the log, pushes the log to the edge, or both. Settings: `config.ts`. */

import { ConfigError, readConfig } from "./config.ts";
import { UnknownExchangeError } from "./exchanges/index.ts";
import { startIngestor } from "./ingestor.ts";
import { createLogger } from "./logger.ts";

const logger = createLogger();

try {
  const ingestor = startIngestor(readConfig(process.env), process.env, logger);
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      await ingestor.stop();
      process.exit(0);
    });
  }
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof UnknownExchangeError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
