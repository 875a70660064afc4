/** `npm run verify -- FILE`: compares what `npm run tail -- --json` recorded with the log: proof from the log to the client. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { type DataItem, dataItem } from "../protocol/frames.ts";
import { parseInstrument } from "../protocol/instrument.ts";
import { createLogger, reasonOf } from "./logger.ts";
import { compare, stretches } from "./verify/compare.ts";
import { readLog } from "./verify/read-log.ts";

const DATA_DIR = process.env["DATA_DIR"] ?? ".tickcast";

const command = new Command("verify")
  .description("Compares recorded trade streams with the log in Kafka")
  .argument("<file>", "what `npm run tail -- --json …` wrote")
  .option(
    "--brokers <list>",
    "Kafka, host:port with commas between; by default KAFKA_BROKERS, or that of a running `npm start`",
  )
  .option("--prefix <text>", "of the topics' names; by default what the recording's source asks for")
  .parse();

try {
  process.exitCode = await verify(command.args[0] ?? "");
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function verify(file: string): Promise<number> {
  const items = readItems(file);
  const simulated = items.some(({ source }) => source === "simulated");
  const { brokers = findBrokers(simulated), prefix = simulated ? "sim." : "" } = command.opts<{
    brokers?: string;
    prefix?: string;
  }>();
  const all = stretches(items);
  let problems = 0;
  for (const exchange of new Set(all.map(({ instrument }) => parseInstrument(instrument).exchange))) {
    const logs = await readLog(
      { brokers: brokers.split(","), ssl: process.env["KAFKA_SSL"] === "true", prefix },
      exchange,
      createLogger("silent"),
    );
    for (const stretch of all.filter(({ instrument }) => parseInstrument(instrument).exchange === exchange)) {
      const { instrument, epoch, from, to, items: recorded } = stretch;
      const log = logs.find((one) => one.epoch === epoch);
      const found = log === undefined ? [`there is no epoch ${epoch} in the log`] : compare(stretch, log.events);
      problems += found.length;
      const trades = recorded.reduce((sum, item) => sum + (item.trades?.length ?? 0), 0);
      console.log(
        `${instrument} ${epoch} after ${from} to ${to}: ${trades} trades, ${found.length === 0 ? "as the log has them" : `${found.length} problems`}`,
      );
      for (const problem of found.slice(0, 20)) console.log(`  ${problem}`);
    }
  }
  if (all.length === 0) throw new Error(`${file} holds no items of a trade stream`);
  return problems === 0 ? 0 : 1;
}

function readItems(file: string): DataItem[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line, i): DataItem[] => {
    // The last line of a recording that was interrupted may be cut off.
    if (line.trim() === "" || (i === lines.length - 1 && !line.endsWith("}"))) return [];
    const parsed = dataItem.safeParse(JSON.parse(line));
    if (!parsed.success) throw new Error(`${file}:${i + 1}: not an item as \`npm run tail -- --json\` writes it`);
    return [parsed.data];
  });
}

function findBrokers(simulated: boolean): string {
  const given = process.env["KAFKA_BROKERS"];
  if (given) return given;
  const file = join(DATA_DIR, simulated ? "sim" : "live", "brokers");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  throw new Error(
    "which Kafka? Set KAFKA_BROKERS or --brokers, or run `npm start` here (a stack without Kafka keeps no log to compare with)",
  );
}
