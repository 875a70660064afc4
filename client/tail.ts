/** `npm run tail -- upbit:BTC-KRW@trade`: prints streams as they come. Exit status 2 when they can't be had at all. */

import { Command } from "commander";
import { ProtocolError } from "../protocol/errors.ts";
import { CHANNELS, parseStream, RATES } from "../protocol/stream.ts";
import { TickcastClient } from "./client.ts";
import { describe } from "./describe.ts";
import { dialNode } from "./node-socket.ts";

const DEFAULT_URL = `http://localhost:${process.env["PORT"] || 8787}`;

const command = new Command("tail")
  .description("Prints streams as they come, e.g. upbit:BTC-KRW@trade or upbit:ETH-KRW@ticker@raw")
  .argument(
    "<stream...>",
    `exchange:BASE-QUOTE@channel[@rate]; channels: ${CHANNELS.join(", ")}; rates: ${RATES.join(", ")}`,
  )
  .option("--url <url>", "where Tickcast is", DEFAULT_URL)
  .option("--json", "one item a line, as it came: what `npm run verify` reads")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

const { url, json = false } = command.opts<{ url: string; json?: boolean }>();

// A reader that goes away (`tail … | head`) is no error; a full disk is.
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") process.exit(0);
  fail(message);
});
process.stderr.on("error", () => process.exit(0));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));

let lastNote = "";

try {
  const names = new Set(command.args.map(readName));
  const client = new TickcastClient({
    url,
    dial: dialNode,
    sockets: "per-instrument",
    onStatus: ({ exchange, state, source, detail }) =>
      note(`${exchange} is ${state} (${source})${detail === undefined ? "" : `: ${detail}`}`),
    // An error that ends the connection is reported by each of its streams.
    onError: ({ code, message, retryable }) => {
      if (retryable || code === "bad_frame") note(`${code}: ${message}`);
    },
    onClose: ({ code, reason, retryIn }) => {
      // No close frame: the server is away, or the network is cut.
      const what = code === 1006 ? `no connection to ${url}` : `disconnected (${code}${reason && ` ${reason}`})`;
      if (retryIn !== null) note(`${what}: trying again`);
    },
  });
  for (const name of names) {
    client.subscribe(name, {
      onItem: (item) => {
        for (const line of json ? [JSON.stringify(item)] : describe(item)) process.stdout.write(`${line}\n`);
      },
      onSubscribed: ({ stream, recovered, reason }) => {
        if (recovered === false) note(`${stream} could not be resumed: ${reason}`);
        else if (recovered) note(`${stream} goes on`);
      },
      onError: ({ message, retryable }) => (retryable ? note(message) : fail(message)),
    });
  }
} catch (error) {
  if (!(error instanceof ProtocolError || error instanceof TypeError)) throw error;
  fail(error.message);
}

/** @throws {ProtocolError} */
function readName(name: string): string {
  if (name.includes("*")) {
    fail(`wildcard streams (${name}) are not available yet: name each instrument, e.g. upbit:BTC-KRW@ticker`);
  }
  return parseStream(name).name;
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
