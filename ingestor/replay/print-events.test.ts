import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { upbit } from "../exchanges/upbit/index.ts";
import { Window } from "./compare/window.ts";
import { EventPrinter } from "./print-events.ts";

const TRADE =
  '{"type":"trade","code":"KRW-BTC","trade_timestamp":1788335180000,"trade_price":5,"trade_volume":0.5,' +
  '"ask_bid":"BID","sequential_id":17883351803770004,"stream_type":"REALTIME"}';

async function printed(window: Window, lines: readonly object[]) {
  const folder = mkdtempSync(join(tmpdir(), "replay-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "frames.jsonl");
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join("\n"));
  const out = new PassThrough();
  const complaints: string[] = [];
  const complain = (line: string) => void complaints.push(line);
  const events = text(out);
  const printer = new EventPrinter({ window, parse: upbit.parser([]), history: upbit.history, out, complain });
  await printer.printFile(path);
  out.end();
  const received = (await events)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).received);
  return { received, complaints, bad: printer.unreadable.total };
}

const ever = new Window(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
const frames = [1, 2, 3, null].map((recv) => ({ recv, frame: TRADE }));

test("every event, repeats too", async () => {
  expect((await printed(ever, frames)).received).toEqual([1000, 2000, 3000, null]);
});

test("in a window, only what is known to have been received in it", async () => {
  expect((await printed(new Window(2000, 4000), frames)).received).toEqual([2000, 3000]);
});

test("what can't be read is complained of", async () => {
  const { complaints, bad } = await printed(ever, [{ recv: 1, frame: "{" }, { recv: 1 }]);
  expect(complaints).toMatchObject([/^line 1: not JSON/, /^line 2: frame: /].map((one) => expect.stringMatching(one)));
  expect(bad).toBe(2);
});
