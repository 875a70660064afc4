/** `npm run bench -- ingest|path`: figures of this machine, with the real parts. */

import { cpus } from "node:os";
import { Command, Option } from "commander";
import { benchIngest } from "./ingest.ts";
import { benchPath } from "./path.ts";

const positive = (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`"${text}" is not a whole number above 0`);
  return value;
};

const program = new Command("bench").description("Measures Tickcast on this machine");
console.log(`node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}`);

program
  .command("ingest")
  .description("from Kafka to the objects: ticks a second, counted when they are stored, acked and committed")
  .addOption(new Option("--ticks <n>", "how many").default(400_000).argParser(positive))
  .addOption(new Option("--instruments <n>", "over how many").default(50).argParser(positive))
  .action(benchIngest);

program
  .command("path")
  .description("from the exchange's send to a client of a raw stream: p50 and p99 in ms")
  .addOption(new Option("--seconds <n>", "how long at each rate").default(20).argParser(positive))
  .addOption(new Option("--clients <n>", "on as many instruments").default(50).argParser(positive))
  .action(benchPath);

await program.parseAsync();
process.exit();
