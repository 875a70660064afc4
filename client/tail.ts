/** `npm run tail -- upbit:BTC-KRW@trade`: prints streams as they come. */

import { Command } from "commander";
import { ProtocolError } from "../protocol/errors.ts";
import type { DataItem } from "../protocol/frames.ts";
import { parseStream } from "../protocol/stream.ts";
import { TickcastClient } from "./client.ts";
import { dialNode } from "./node-socket.ts";

const DEFAULT_URL = `http://localhost:${process.env["PORT"] ?? 8787}`;

const command = new Command("tail")
  .description("Prints streams as they come, e.g. upbit:BTC-KRW@trade or upbit:ETH-KRW@ticker@raw")
  .argument("<stream...>", "exchange:BASE-QUOTE@channel[@rate]; channels: ticker, trade; rates: raw, 100ms")
  .option("--url <url>", "where Tickcast is", DEFAULT_URL)
  .option("--json", "one item a line, as it came: what `npm run verify` reads")
  .parse();

const { url, json = false } = command.opts<{ url: string; json?: boolean }>();

// A reader that goes away (`tail … | head`) is no error.
process.stdout.on("error", () => process.exit(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));

let lastNote = "";

const client = new TickcastClient({
  url,
  dial: dialNode,
  onStatus: ({ exchange, state, source, detail }) =>
    note(`${exchange} is ${state} (${source})${detail === undefined ? "" : `: ${detail}`}`),
  onError: ({ code, message }) => note(`${code}: ${message}`),
  onClose: ({ code, reason, retryIn }) => {
    const what = `disconnected (${code}${reason === "" ? "" : ` ${reason}`})`;
    if (retryIn === null) fail(what);
    note(`${what}, again in ${retryIn} ms`);
  },
});

try {
  for (const name of new Set(command.args.map((arg) => parseStream(arg).name))) {
    client.subscribe(name, {
      onItem: (item) => {
        for (const line of json ? [JSON.stringify(item)] : describe(item)) process.stdout.write(`${line}\n`);
      },
      onSubscribed: ({ stream, recovered, reason }) => {
        if (recovered === false) note(`${stream} could not be resumed: ${reason}`);
      },
      onError: ({ message, retryable }) => (retryable ? note(message) : fail(message)),
    });
  }
} catch (error) {
  if (!(error instanceof ProtocolError)) throw error;
  fail(error.message);
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

/** An item as lines: one for a ticker or a gap, one for each trade. */
function describe(item: DataItem): string[] {
  const { instrument, ticker, trades, gap, seq } = item;
  const mark = item.source === undefined ? "" : ` (${item.source})`;
  if (gap !== undefined) {
    return [`${clock(gap.until)} ${instrument} gap ${gap.state}: ${gap.cause} since ${clock(gap.since)}${mark}`];
  }
  if (ticker !== undefined) {
    const change = ticker.changePct === null ? "" : ` ${ticker.changePct} %`;
    return [`${clock(ticker.time)} ${instrument} ${ticker.price}${change} seq ${seq}${mark}`];
  }
  return (trades ?? []).map(({ time, side, size, price, id, late }) => {
    const how = item.snapshot ? " (newest so far)" : late ? " (late)" : "";
    return `${clock(time)} ${instrument} ${side.padEnd(4)} ${size} @ ${price} #${id}${how}${mark}`;
  });
}

function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 23);
}
