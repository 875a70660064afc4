/**
 * `npm run verify -- FILE`: compares what `npm run tail -- --json` recorded with the log: proof from the log to the client.
 * Exit status 0: nothing differs, 1: something does, 2: it could not be compared.
 */

import { Command } from "commander";
import { parseInstrument } from "../protocol/instrument.ts";
import { createLogger, reasonOf } from "./logger.ts";
import { type ContinuousRun, compare, continuousRuns } from "./verify/compare.ts";
import { findKafka, type KafkaOptions, simulatedPrefix } from "./verify/find-kafka.ts";
import { type PartitionLog, readLog } from "./verify/read-log.ts";
import { readRecording } from "./verify/read-recording.ts";

/** Problems of one run that are printed. */
const SHOWN = 20;

const command = new Command("verify")
  .description("Compares recorded trade streams with the log in Kafka")
  .argument("<file>", "what `npm run --silent tail -- --json …` wrote")
  .option(
    "--brokers <list>",
    "Kafka, host:port with commas between; by default KAFKA_BROKERS, or that of a running `npm start`",
  )
  .option("--prefix <text>", "of the topics' names; by default KAFKA_PREFIX, and `sim.` where the prices are simulated")
  .addHelpText("after", "\nKAFKA_SSL and KAFKA_SASL_… are taken from the environment, as the ingestor does.")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

try {
  process.exitCode = await verify(command.args[0] ?? "");
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function verify(file: string): Promise<number> {
  const items = readRecording(file);
  const all = continuousRuns(items);
  if (all.length === 0) throw new Error(`${file} holds no items of a trade stream`);
  const simulated = items.some(({ source }) => source === "simulated");
  const options = command.opts<KafkaOptions>();
  const found = findKafka(options, process.env, [simulated ? "sim" : "live"]);
  const prefix = options.prefix ?? (simulated ? simulatedPrefix(found.prefix) : found.prefix);
  const settings = { ...found, prefix };
  let problems = 0;
  for (const exchange of new Set(all.map(exchangeOf))) {
    const logs = await readLog(settings, exchange, createLogger("silent")).catch((error: unknown) => {
      throw new Error(
        `cannot read the log of ${exchange} from Kafka at ${settings.brokers.join(",")}: ${reasonOf(error)}`,
      );
    });
    for (const run of all) if (exchangeOf(run) === exchange) problems += report(run, logs);
  }
  return problems === 0 ? 0 : 1;
}

/** Prints what became of a run. @returns how many problems it has */
function report(run: ContinuousRun, logs: readonly PartitionLog[]): number {
  const { instrument, epoch, from, to, items } = run;
  const log = logs.find((one) => one.epoch === epoch);
  const problems = log === undefined ? [`there is no epoch ${epoch} in the log`] : compare(run, log.events);
  const trades = items.reduce((sum, item) => sum + (item.trades?.length ?? 0), 0);
  const verdict = problems.length === 0 ? "as the log has them" : `${problems.length} problems`;
  console.log(`${instrument} ${epoch} after ${from} to ${to}: ${trades} trades, ${verdict}`);
  for (const problem of problems.slice(0, SHOWN)) console.log(`  ${problem}`);
  if (problems.length > SHOWN) console.log(`  and ${problems.length - SHOWN} more`);
  return problems.length;
}

function exchangeOf({ instrument }: ContinuousRun): string {
  return parseInstrument(instrument).exchange;
}
