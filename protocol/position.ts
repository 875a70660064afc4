/** Where an event stands in the log of its instrument. */

/** `seq` is the event's offset in the log and only grows within one `epoch`; across epochs numbers do not compare. */
export interface Position {
  /** `<incarnation>-<partition>`, e.g. `k7f2a-3`; `direct-…` where the log is in memory. */
  readonly epoch: string;
  /** Integer, 1 or more for an event; 0 says "before everything". */
  readonly seq: number;
}

/** The epoch of one partition of one incarnation of a log. */
export function epochOf(incarnation: string, partition: number): string {
  return `${incarnation}-${partition}`;
}

/** A name for a new incarnation: short, since it travels with every item. */
export function newIncarnation(random: () => number = Math.random): string {
  return Array.from({ length: 6 }, () => Math.floor(random() * 36).toString(36)).join("");
}
