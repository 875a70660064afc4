import { parseJson } from "../protocol/json.ts";

const TROUBLE = /error|exception|fatal|panic|fail|unable|cannot|can't|no space|out of memory|denied|refused/i;
const STACK_FRAME = /^\s+at |^\s*\.\.\. \d+ more/;
const LONGEST = 300;

/**
 * The line of a log that best explains why its program ended: the last error line, else the last line. Most
 * programs log more after it, of their orderly shutdown for example.
 *
 * @returns at most 300 characters; empty for an empty log
 */
export function errorLine(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "" && !STACK_FRAME.test(line));
  const line = lines.findLast((one) => TROUBLE.test(one)) ?? lines.at(-1) ?? "";
  return readable(line.trim()).slice(0, LONGEST);
}

/** The message of a JSON line of the ingestor, and its reason where it has one. */
function readable(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const { msg, err, reason } = entry;
  const cause = isObject(err) ? err["message"] : reason;
  const said = [msg, cause].filter((one) => typeof one === "string" && one !== "");
  return said.length === 0 ? line : [...new Set(said)].join(": ");
}

function parse(line: string): Record<string, unknown> | undefined {
  const entry = parseJson(line);
  return isObject(entry) ? entry : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
