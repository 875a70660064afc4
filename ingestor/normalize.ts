/** `npm run normalize -- EXCHANGE [--markets FILE]`: recorded frames on stdin, normalised events on stdout. */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import type { Exchange, Parse } from "./exchanges/exchange.ts";
import { findExchange, UnknownExchangeError } from "./exchanges/index.ts";
import { reasonOf } from "./logger.ts";
import { lines } from "./normalize/lines.ts";
import { BYTE_ORDER_MARK, parserFor } from "./normalize/market-file.ts";
import { normalizeLine } from "./normalize/normalize.ts";

const BAD_FRAMES = 1;
const USAGE = 2;

const program = new Command("normalize")
  .description('Reads recorded frames (JSONL {"recv","frame"}) and prints one normalised event a line.')
  .argument("<exchange>", "whose frames they are, e.g. upbit")
  .option("--markets <file>", "the exchange's own market list (the body of its REST answer), for symbols that need it")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
  .action(async (name: string, { markets }: { markets?: string }) => {
    const parse = await parserFor(exchangeNamed(name), markets, console.error).catch((error: unknown) =>
      program.error(`normalize: ${reasonOf(error)}`),
    );
    await normalize(parse);
  });

function exchangeNamed(name: string): Exchange {
  try {
    return findExchange(name);
  } catch (error) {
    if (!(error instanceof UnknownExchangeError)) throw error;
    return program.error(`normalize: ${error.message}`);
  }
}

async function normalize(parse: Parse): Promise<void> {
  try {
    await pipeline(Readable.from(output(parse)), process.stdout);
  } catch (error) {
    // The reader has seen enough, as in `| head`; stdin may still be open and would keep us here.
    if (error instanceof Error && "code" in error && error.code === "EPIPE") process.exit();
    throw error;
  }
}

async function* output(parse: Parse): AsyncGenerator<string> {
  let number = 0;
  for await (const line of lines(process.stdin.setEncoding("utf8"))) {
    number += 1;
    const marked = number === 1 && BYTE_ORDER_MARK.test(line);
    if (marked) console.error("line 1: a byte order mark was left out");
    const { events, bad, note } = normalizeLine(marked ? line.slice(1) : line, parse);
    if (bad !== undefined) process.exitCode = BAD_FRAMES;
    for (const said of [bad, note]) if (said !== undefined) console.error(`line ${number}: ${said}`);
    for (const event of events) yield `${JSON.stringify(event)}\n`;
  }
}

await program.parseAsync();
