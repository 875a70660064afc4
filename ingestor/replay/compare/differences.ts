/** What a comparison has found: counted, and the first of each shown. */

import type { ParsedEvent } from "../../exchanges/exchange.ts";

/** Where an event stands in the log. */
export interface LogPosition {
  readonly partition: number;
  readonly seq: number;
}

/** What a field is on the two sides; absent where it is left out. */
export interface FieldPair {
  readonly log?: unknown;
  readonly raw?: unknown;
}

export type Difference =
  | { readonly difference: "not in the log"; readonly raw: ParsedEvent }
  | { readonly difference: "not in raw"; readonly place: LogPosition; readonly log: ParsedEvent }
  | {
      readonly difference: "fields differ";
      readonly type: ParsedEvent["type"];
      readonly instrument: string;
      readonly id?: string | null;
      readonly received: number | null;
      readonly place: LogPosition;
      readonly fields: Readonly<Record<string, FieldPair>>;
    }
  | { readonly difference: "twice in the log" | "out of order"; readonly place: LogPosition; readonly log: ParsedEvent }
  | { readonly difference: "unreadable in the log"; readonly place: LogPosition };

/** Why something that only one side has is no difference. */
export type Excuse =
  | "executed before the window"
  | "too long ago to be told from repeats"
  | "missing as a gap in the log says"
  | "told by the trade history under another id"
  | "in the log from another connection"
  | "written by a collector that had been replaced";

/** Differences that are kept to be shown. */
const SHOWN = 20;

export class Differences {
  /** The first ones. */
  readonly shown: Difference[] = [];
  /** How many of each kind, such as `trade not in the log`. */
  readonly counts = new Map<string, number>();
  readonly excused = new Map<Excuse, number>();

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(difference: Difference): void {
    const kind = `${typeOf(difference)} ${difference.difference}`;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    if (this.shown.length < SHOWN) this.shown.push(difference);
  }

  excuse(why: Excuse): void {
    this.excused.set(why, (this.excused.get(why) ?? 0) + 1);
  }
}

/** The fields in which an event differs from the one in the log, but for those to be passed over. */
export function fieldsThatDiffer(
  log: object,
  raw: object,
  passOver: readonly string[] = [],
): Record<string, FieldPair> {
  const pairs: Record<string, FieldPair> = {};
  const [left, right] = [new Map<string, unknown>(Object.entries(log)), new Map<string, unknown>(Object.entries(raw))];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    if (passOver.includes(name) || left.get(name) === right.get(name)) continue;
    pairs[name] = { log: left.get(name), raw: right.get(name) };
  }
  return pairs;
}

function typeOf(difference: Difference): string {
  if ("type" in difference) return difference.type;
  if ("raw" in difference) return difference.raw.type;
  return "log" in difference ? difference.log.type : "record";
}
