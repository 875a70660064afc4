/**
 * Formats say their version, on the wire between ingestor and edge and in what objects store. Newer code reads the older: the
 * steps from one version to the next are done one by one. What is newer than the code is refused, never guessed at.
 */

/** Thrown for a version that this code does not know yet; the message names both. */
export class NewerVersionError extends Error {
  override readonly name = "NewerVersionError";

  constructor(what: string, version: number, known: number) {
    super(`${what} is of version ${version}, and this code knows up to ${known}: deploy the newer code here too`);
  }
}

/**
 * @param steps the one at index 0 leads from version 1 to 2
 * @returns the steps that lead from `version` to the newest one
 * @throws {NewerVersionError}
 */
export function stepsFrom<Step>(version: number, steps: readonly Step[], what: string): readonly Step[] {
  if (version > steps.length + 1) throw new NewerVersionError(what, version, steps.length + 1);
  return steps.slice(version - 1);
}
