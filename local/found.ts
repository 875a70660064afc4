/**
 * Whether something the machine may lack is there. What is missing is an answer, not an exception:
 * the stack runs on without it and prints the reason and the remedy.
 */
export type Found<T> = { ok: true; value: T } | Missing;

/** What is missing: the reason as a clause, the remedy as an instruction; both for people. */
export type Missing = { ok: false; reason: string; remedy: string };

/** Wraps a value that is there. */
export function found<T>(value: T): Found<T> {
  return { ok: true, value };
}

/** Says what is missing and how to get it. */
export function missing(reason: string, remedy: string): Missing {
  return { ok: false, reason, remedy };
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
