/**
 * `npm run replay -- raw.EXCHANGE` or `-- FILE --exchange EXCHANGE`: normalises raw frames again with the present parsers and
 * compares what they give with the log. Exit status 0: it is the same and all could be read, 1: it is not, 2: it could not
 * be compared.
 */

import { Command } from "commander";
import type { Exchange, Parse } from "./exchanges/exchange.ts";
import { findExchange } from "./exchanges/index.ts";
import { reasonOf } from "./logger.ts";
import { parserFor } from "./normalize/market-file.ts";
import { Comparison } from "./replay/compare/comparison.ts";
import { Window } from "./replay/compare/window.ts";
import { compareWithLog, type RawSource } from "./replay/compare-with-log.ts";
import { EventPrinter } from "./replay/print-events.ts";
import { extentOf } from "./replay/raw/recorded-file.ts";
import { readTarget, readTimes, type Target, UsageError } from "./replay/request.ts";
import { summary } from "./replay/summary.ts";
import { partsOf } from "./replay/topic-ranges.ts";
import { withKafka } from "./replay/with-kafka.ts";
import type { KafkaOptions } from "./verify/find-kafka.ts";

interface Options extends KafkaOptions {
  readonly exchange?: string;
  readonly from?: string;
  readonly to?: string;
  readonly markets?: string;
  readonly events?: true;
}

/** What is to be done. */
interface Run {
  readonly target: Target;
  readonly times: ReturnType<typeof readTimes>;
  readonly exchange: Exchange;
  readonly parse: Parse;
  readonly kafka: KafkaOptions;
}

/** What has just been received may still be on its way into one of the topics: ms. */
const ON_ITS_WAY = 5000;
const USAGE = 2;

const command = new Command("replay")
  .description("Normalises raw frames again and compares what they give with what the log has")
  .argument("<source>", "raw.EXCHANGE (with its topic's prefix or without), or a file")
  .option("--exchange <name>", 'the source is a file of that exchange: JSONL {"recv","frame"}, as normalize reads it')
  .option("--from <time>", "of receipt: ISO 8601 (UTC without a zone) or ms; by default all that there is")
  .option("--to <time>", "up to here; by default all but the last 5 s, which may still be on their way into the log")
  .option("--events", "print the normalised events, repeats too, instead of comparing them")
  .option("--markets <file>", "the exchange's own market list (the body of its REST answer), for symbols that need it")
  .option(
    "--brokers <list>",
    "Kafka, host:port with commas between; else KAFKA_BROKERS, or that of a running `npm start`",
  )
  .option("--prefix <text>", "of the topics' names; else KAFKA_PREFIX, and `sim.` where only simulated ones exist")
  .addHelpText(
    "after",
    `
KAFKA_SSL and KAFKA_SASL_… are taken from the environment, as the ingestor does.
A file's lines may also be bodies of the trade history: {"recv","frame","kind":"rest","instrument","path"}.

Both sides are read in step, so memory does not grow with the window. It holds about ten seconds of raw frames; of each
instrument the last 5,000 trades (about 150 bytes each), to know repeats by; and what only one side has so far: a ticker
for a minute, a trade for a quarter of an hour of log time. Only the first 20 differences are kept. A trade that comes
again after 5,000 others of its instrument can't be told from a new one, and is left out.`,
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
  .parse();

// Whoever reads the events has seen enough, as in `| head`.
process.stdout.on("error", (error) => process.exit("code" in error && error.code === "EPIPE" ? 0 : USAGE));

try {
  process.exitCode = (await replay(command.args[0] ?? "", command.opts<Options>())) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = USAGE;
}

/** @returns whether nothing differs and everything could be read */
async function replay(argument: string, options: Options): Promise<boolean> {
  const target = readTarget(argument, options.exchange, options.prefix);
  const times = readTimes(options.from, options.to);
  const exchange = findExchange(target.exchange);
  const parse = await parserFor(exchange, options.markets, console.error).catch((error: unknown) => {
    throw new UsageError(`--markets: ${reasonOf(error)}`);
  });
  const run = options.events ? printEvents : compare;
  return run({ target, times, exchange, parse, kafka: { brokers: options.brokers, prefix: target.prefix } });
}

async function compare({ target, times, exchange, parse, kafka }: Run): Promise<boolean> {
  const extent = target.kind === "file" ? await extentOf(target.path) : undefined;
  if (target.kind === "file" && extent === undefined) {
    throw new UsageError(`${target.path} holds no frame that says when it was received: only --events can read it`);
  }
  const from = times.from ?? extent?.first ?? Number.NEGATIVE_INFINITY;
  const to = times.to ?? (extent === undefined ? Date.now() - ON_ITS_WAY : extent.last + 1);
  const comparison = new Comparison(new Window(from, to), parse, exchange.history);
  const lines = await withKafka(kafka, process.env, async (client) => {
    const { raw, ticks } = await client.topicsOf(exchange.name, target.kind === "file" ? "ticks" : "raw");
    const source: RawSource = target.kind === "file" ? { file: target.path } : { topic: raw };
    await compareWithLog(client, source, ticks, comparison);
    return summary(comparison, target.kind === "file" ? target.path : raw, ticks);
  });
  for (const line of lines) console.log(line);
  return comparison.isEqual;
}

async function printEvents({ target, times, exchange, parse, kafka }: Run): Promise<boolean> {
  const window = new Window(times.from ?? Number.NEGATIVE_INFINITY, times.to ?? Number.POSITIVE_INFINITY);
  const complain = (line: string) => console.error(line);
  const printer = new EventPrinter({ window, parse, history: exchange.history, out: process.stdout, complain });
  if (target.kind === "file") await printer.printFile(target.path);
  else {
    await withKafka(kafka, process.env, async (client) => {
      const { raw } = await client.topicsOf(exchange.name, "raw");
      await printer.printTopic(client.kafka, await partsOf(client.admin, raw, window.from, window.to));
    });
  }
  return printer.unreadable.total === 0;
}
