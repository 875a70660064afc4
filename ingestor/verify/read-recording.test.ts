import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { DataItem } from "../../protocol/frames.ts";
import { readRecording } from "./read-recording.ts";

const trade = { id: "1", price: "1", size: "1", side: "buy" as const, time: 1, seq: 2 };
const item: DataItem = {
  ...{ stream: "upbit:BTC-KRW@trade@100ms", instrument: "upbit:BTC-KRW", epoch: "a", prev: 1, seq: 2, n: 1 },
  ...{ t: { exchange: 1, received: 2, logged: 3, edge: 4 }, trades: [trade] },
};
const line = JSON.stringify(item);

function recording(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "recording-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "r.jsonl");
  writeFileSync(file, text);
  return file;
}

test("reads lines, also an unended last one, and passes over empty ones", () => {
  expect(readRecording(recording(`${line}\n\n${line}\n`))).toEqual([item, item]);
  expect(readRecording(recording(`${line}\n${line}`))).toEqual([item, item]);
  expect(readRecording(recording(""))).toEqual([]);
});

test("the last line may be cut off, wherever that is", () => {
  for (let end = 1; end < line.length; end++) {
    expect(readRecording(recording(`${line}\n${line.slice(0, end)}`)), line.slice(0, end)).toEqual([item]);
  }
});

test.each([
  ["> tickcast@0.1.0 tail", 1],
  [`${line}\n${line.slice(0, -5)}\n${line}`, 2],
  [`${line}\n{"op":"welcome"}`, 2],
])("what is no item is named by its line: %s", (text, number) => {
  const file = recording(`${text}\n`);
  const said = `${file}:${number}: not an item as \`npm run --silent tail -- --json\` writes it`;
  expect(() => readRecording(file)).toThrow(said);
});
