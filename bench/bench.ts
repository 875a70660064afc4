/** `npm run bench -- accept|fanout|ingest|path|normalize|load|takeover|slow-readers|vanishing`: figures of this machine, with the real parts. */

import { cpus } from "node:os";
import { Command, Option } from "commander";
import { benchAccept } from "./accept.ts";
import { benchFanout } from "./fanout.ts";
import { benchIngest } from "./ingest.ts";
import { benchLoad } from "./load.ts";
import { benchNormalize } from "./normalize.ts";
import { benchPath } from "./path.ts";
import { benchSlowReaders } from "./slow-readers.ts";
import { benchTakeover } from "./takeover.ts";
import { benchVanishing } from "./vanishing.ts";

const positive = (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`"${text}" is not a whole number above 0`);
  return value;
};

const program = new Command("bench").description("Measures Tickcast on this machine");
console.log(`node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}`);

program
  .command("accept")
  .description("into an object: µs of processor time for each event, at 0, 1,000 and 5,000 listeners")
  .action(benchAccept);

program
  .command("fanout")
  .description(
    "connections of many streams: trades received for each CPU-second, against an object that forwards each by itself",
  )
  .addOption(new Option("--connections <n>", "how many").default(1000).argParser(positive))
  .addOption(new Option("--trades <n>", "in a batch").default(100).argParser(positive))
  .addOption(new Option("--batches <n>", "one after the other").default(100).argParser(positive))
  .action(benchFanout);

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
  .option("--profile <folder>", "write a profile of the ingestor there")
  .action(benchPath);

program
  .command("normalize")
  .description("recorded frames to normalised events: trades and tickers a second on one core, for each exchange")
  .addOption(new Option("--seconds <n>", "how long for each of both").default(3).argParser(positive))
  .action(benchNormalize);

program
  .command("load")
  .description("all exchanges at once: trades lost, peak memory and event-loop delay of the ingestor")
  .addOption(new Option("--seconds <n>", "how long").default(120).argParser(positive))
  .addOption(new Option("--frames <n>", "a second, over all exchanges").default(5000).argParser(positive))
  .action(benchLoad);

program
  .command("takeover")
  .description("how long prices stand still when the ingestor that collects is killed and another one stands by")
  .addOption(new Option("--times <n>", "how often it is killed").default(3).argParser(positive))
  .action(benchTakeover);

program
  .command("slow-readers")
  .description("clients that never read beside a healthy one: memory, descriptors, and how late the healthy one is")
  .addOption(new Option("--seconds <n>", "how long").default(120).argParser(positive))
  .addOption(new Option("--readers <n>", "that never read").default(50).argParser(positive))
  .addOption(new Option("--rate <n>", "frames a second").default(1000).argParser(positive))
  .action(benchSlowReaders);

program
  .command("vanishing")
  .description("clients that are reset before their upgrade is answered: memory and descriptors during and after")
  .addOption(new Option("--clients <n>", "how many").default(1000).argParser(positive))
  .addOption(new Option("--seconds <n>", "of frames after them").default(30).argParser(positive))
  .addOption(new Option("--rounds <n>", "of the same on one runtime").default(3).argParser(positive))
  .action(benchVanishing);

await program.parseAsync();
process.exit(process.exitCode);
