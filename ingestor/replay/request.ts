/** What `npm run replay` is asked for on the command line. */

/** Thrown for arguments that make no sense; says what would. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What is to be read again. */
export type Target = {
  readonly exchange: string;
  /** Of the topics' names; undefined where none is given. */
  readonly prefix: string | undefined;
} & ({ readonly kind: "topic" } | { readonly kind: "file"; readonly path: string });

const RAW_TOPIC = /^(?<prefix>[\w.-]*\.)?raw\.(?<exchange>[a-z0-9]+)$/;

/**
 * @param exchange as `--exchange` names it: then the argument is a file
 * @param prefix as `--prefix` gives it
 * @throws {UsageError}
 */
export function readTarget(argument: string, exchange: string | undefined, prefix: string | undefined): Target {
  if (exchange !== undefined) return { kind: "file", exchange, prefix, path: argument };
  const { groups } = RAW_TOPIC.exec(argument) ?? {};
  const name = groups?.["exchange"];
  if (name === undefined) {
    throw new UsageError(
      `"${argument.slice(0, 200)}" is no topic: raw.upbit, for example; a file needs --exchange beside it`,
    );
  }
  const own = groups?.["prefix"];
  if (own !== undefined && prefix !== undefined && own !== prefix) {
    throw new UsageError(`--prefix: the topic has its own already, ${own}`);
  }
  return { kind: "topic", exchange: name, prefix: own ?? prefix };
}

/** So far back that it is no time of receipt: seconds, probably. */
const SECONDS = 1e11;
const ISO = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?<zone>Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * A time in ms: as it is, or as ISO 8601; without a zone it is UTC.
 *
 * @param option that it was given with
 * @throws {UsageError}
 */
export function readTime(text: string, option: string): number {
  if (/^\d+$/.test(text) && Number(text) >= SECONDS) return Number(text);
  const iso = ISO.exec(text);
  const zoned = iso === null || iso.groups?.["zone"] !== undefined || !text.includes("T") ? text : `${text}Z`;
  const time = iso === null ? Number.NaN : Date.parse(zoned);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `${option}: "${text.slice(0, 40)}" is no time: ISO 8601 such as 2026-11-01T09:00:00Z is needed, or milliseconds since 1970`,
  );
}

/** @throws {UsageError} */
export function readTimes(from: string | undefined, to: string | undefined): { from?: number; to?: number } {
  const times = {
    ...(from === undefined ? {} : { from: readTime(from, "--from") }),
    ...(to === undefined ? {} : { to: readTime(to, "--to") }),
  };
  if (times.from !== undefined && times.to !== undefined && times.from >= times.to) {
    throw new UsageError("--to: it must be later than --from");
  }
  return times;
}
