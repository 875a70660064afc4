/** Reads a recording of `npm run tail -- --json`. */

import { readFileSync } from "node:fs";
import { type DataItem, dataItem } from "../../protocol/frames.ts";
import { parseJson } from "../../protocol/json.ts";

/** @throws when the file can't be read, or a line of it (named) is no item */
export function readRecording(file: string): DataItem[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line, i): DataItem[] => {
    if (line.trim() === "") return [];
    const { success, data } = dataItem.safeParse(parseJson(line));
    if (success) return [data];
    // Every complete line ends; the last one of a recording that was interrupted may be cut off.
    if (i === lines.length - 1 && parseJson(line) === undefined) return [];
    throw new Error(`${file}:${i + 1}: not an item as \`npm run --silent tail -- --json\` writes it`);
  });
}
