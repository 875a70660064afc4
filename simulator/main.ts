import { Command, InvalidArgumentError, Option } from "commander";
import { dialects, findDialect } from "./dialects.ts";
import { DEFAULT_RATE, startSimulator } from "./start-simulator.ts";

const program = new Command("simulator")
  .description("An exchange that speaks a real one's public API and makes up its trades: simulated, never real prices.")
  .addOption(
    new Option("--exchange <name>", "which one to be").choices(dialects.map(({ name }) => name)).default("upbit"),
  )
  .option("--port <n>", "port to listen on, 0 for a free one", number, 8790)
  .option("--host <name>", "address to listen on", "127.0.0.1")
  .option("--rate <n>", "trades per second over all markets, up to 5000", number, DEFAULT_RATE)
  .option("--seed <n>", "seed of the random walk", number, 1)
  .option("--uniform", "spread trades evenly over the markets instead of as real ones do", false)
  .parse();

const { exchange, port, host, rate, seed, uniform } = program.opts<{
  exchange: string;
  port: number;
  host: string;
  rate: number;
  seed: number;
  uniform: boolean;
}>();
const dialect = findDialect(exchange);
const simulator = await startSimulator({ dialect, port, host, rate, seed, spread: uniform ? "uniform" : "zipf" });
console.log(
  `simulated ${exchange}: ${simulator.wsUrl} and ${simulator.restUrl}, ${rate} trades/s over ${simulator.engine.markets.length} markets, control at ${simulator.controlUrl}`,
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void simulator.stop();
  });
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError("a number from 0 up is needed.");
  return value;
}
