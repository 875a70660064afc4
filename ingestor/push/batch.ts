/** A batch as text, joined from texts: nothing that came from the log is parsed on its way. */

import { INGEST_VERSION } from "../../protocol/ingest-version.ts";
import type { Rate } from "../../protocol/stream.ts";
import type { Entry } from "./outbox.ts";

/** What a link needs to know of its partition at the moment of sending. */
export interface PartitionView {
  readonly epoch: string;
  /** Log time (ms) up to which everything has been read. */
  readonly asOf: number;
  /** The position after which it has been read. */
  readonly opens: number;
  /** The next position to be read. */
  readonly next: number;
  /** JSON text of the collector's status, without the `asOf` that each batch gives it. */
  readonly status: string;
}

export interface Batch extends Omit<PartitionView, "next"> {
  /** The position that it continues, and the one that it reaches. */
  readonly prev: number;
  readonly seq: number;
  /** ... and the one up to which its feed then has everything. */
  readonly through: number;
  readonly events: readonly Entry[];
  readonly due: readonly Rate[];
  /** Log time (ms) up to which its feed has everything once it has this. */
  readonly asOf: number;
}

/** The text of a `ticksFrame` of `protocol/ingest.ts`. */
export function encodeBatch({ epoch, prev, seq, through, opens, events, due, asOf, status }: Batch): string {
  const head = `"epoch":${JSON.stringify(epoch)},"prev":${prev},"seq":${seq},"through":${through},"opens":${opens}`;
  const texts = events.map(({ text }) => text).join(",");
  const said = `${status.slice(0, -1)},"asOf":${asOf}}`;
  return `{"op":"ticks","v":${INGEST_VERSION},${head},"events":[${texts}],"asOf":${asOf},"status":${said},"due":${JSON.stringify(due)}}`;
}
