/** `npm run tail -- upbit:BTC-KRW@trade 'binance:*-USDT@ticker'`: prints streams as they come. Exit status 2 when they can't be had at all. */

import { Command } from "commander";
import { ProtocolError } from "../protocol/errors.ts";
import { parseStreamOrPattern } from "../protocol/pattern.ts";
import { CHANNELS, RATES } from "../protocol/stream.ts";
import { TickcastClient } from "./client.ts";
import { describe } from "./describe.ts";
import type { StreamHandlers, Subscribed } from "./handlers.ts";
import { dialNode } from "./node-socket.ts";
import { describeReport, Statistics } from "./statistics.ts";

interface TailOptions {
  readonly url: string;
  readonly json: boolean;
  readonly stats: boolean;
  /** s */
  readonly every: string;
}

const DEFAULT_URL = `http://localhost:${process.env["PORT"] || 8787}`;

const command = new Command("tail")
  .description("Prints streams as they come, e.g. upbit:BTC-KRW@trade, upbit:ETH-KRW@ticker@raw or 'upbit:*-KRW@trade'")
  .argument(
    "<stream...>",
    `exchange:BASE-QUOTE@channel[@rate], with * for any exchange, base or quote; channels: ${CHANNELS.join(", ")}; rates: ${RATES.join(", ")}`,
  )
  .option("--url <url>", "where Tickcast is", DEFAULT_URL)
  .option("--json", "one item a line, as it came: what `npm run verify` reads", false)
  .option("--stats", "instead of the items, how many come and how long they take", false)
  .option("--every <seconds>", "between two lines of --stats", "5")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

const { url, json, stats, every } = command.opts<TailOptions>();
const statistics = new Statistics(Date.now());
let lastNote = "";

// A reader that goes away (`tail … | head`) is no error; a full disk is.
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") process.exit(0);
  fail(message);
});
process.stderr.on("error", () => process.exit(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));

try {
  const names = new Set(command.args.map((name) => parseStreamOrPattern(name).name));
  if (!(Number(every) > 0)) fail(`--every: "${every}" is no number of seconds`);
  const client = connect();
  for (const name of names) client.subscribe(name, handlers(name));
  if (stats) setInterval(printReport, Number(every) * 1000);
} catch (error) {
  if (!(error instanceof ProtocolError || error instanceof TypeError)) throw error;
  fail(error.message);
}

function connect(): TickcastClient {
  return new TickcastClient({
    url,
    dial: (address) => dialNode(address, (count) => statistics.addBytes(count)),
    // A recording should survive a long cut; wildcards are shared all the same.
    sockets: "per-instrument",
    onStatus: ({ exchange, state, source, detail }) =>
      note(`${exchange} is ${state} (${source})${detail === undefined ? "" : `: ${detail}`}`),
    // An error that ends the connection is reported by each of its streams.
    onError: ({ code, message, retryable }) => {
      if (code === "missing_items") statistics.addMissed();
      if (retryable || code === "bad_frame") note(`${code}: ${message}`);
    },
    onClose: ({ code, reason, retryIn }) => {
      // No close frame: the server is away, or the network is cut.
      const what = code === 1006 ? `no connection to ${url}` : `disconnected (${code}${reason && ` ${reason}`})`;
      if (retryIn !== null) note(`${what}: trying again`);
    },
  });
}

function handlers(name: string): StreamHandlers {
  return {
    onItem: (item) => {
      if (stats) statistics.addItem(item, Date.now());
      else for (const line of json ? [JSON.stringify(item)] : describe(item)) print(line);
    },
    onSubscribed,
    onEnded: (instruments) => note(`${name}: no longer collected: ${instruments.join(", ")}`),
    onError: ({ message, retryable }) => (retryable ? note(message) : fail(message)),
  };
}

function onSubscribed({ stream, matches, recovered, reason }: Subscribed): void {
  if (recovered === false) {
    statistics.addMissed();
    note(`${stream} could not be resumed: ${reason}`);
  } else if (recovered) note(`${stream} goes on`);
  else if (matches !== undefined) note(`${stream} stands for ${matches} instruments`);
}

function printReport(): void {
  const report = statistics.report(Date.now());
  print(json ? JSON.stringify(report) : describeReport(report));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What is no data goes to standard error, and not twice in a row. */
function note(text: string): void {
  if (text !== lastNote) process.stderr.write(`${text}\n`);
  lastNote = text;
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
