import { existsSync, readFileSync } from "node:fs";

const folder = new URL("../../shared/recordings/", import.meta.url);

/** Whether recordings of the real exchanges are on this machine; a single one that is missing there is an error. */
export const haveRecordings = existsSync(folder);

/** A recording as it is; its path is relative to the folder of them all. */
export function recordedText(file: string): string {
  return readFileSync(new URL(file, folder), "utf8");
}

/** The frames of these recordings, in their order. */
export function recordedFrames(...files: readonly string[]): string[] {
  const lines = files.flatMap((file) => recordedText(file).trim().split("\n"));
  return lines.map((line) => String(JSON.parse(line).frame));
}
