import type { Commit } from "../../log/log.ts";
import { MemoryLog } from "../../log/memory.ts";

/** A log in memory that keeps what was committed, in order. */
export class CommittedLog extends MemoryLog {
  readonly commits: number[] = [];
  override async commit(commits: readonly Commit[]): Promise<void> {
    this.commits.push(...commits.map(({ offset }) => offset));
    await super.commit(commits);
  }
}
