/**
 * What an object of the edge has done, on its way to the ingestor's `/metrics`. It travels with what the object says anyway, at
 * most once: what is on its way when an object or a link ends is not counted. What is absent is zero, so that either side may
 * be of another version.
 */

import { z } from "zod";
import type { ErrorCode } from "./errors.ts";

const count = z.int().nonnegative().default(0);
const counts = z.record(z.string(), z.int().nonnegative()).default({});

/** How a subscription to a stream began: from the position that was named, why not from there, or without one. */
export type ResumeOutcome = "recovered" | "too_old" | "epoch_changed" | "began_anew";

/** Why a socket was closed: the code of the error that its client was told, no ping for long, or the client has left. */
export type CloseReason = ErrorCode | "silent" | "left";

export const edgeCounts = z.object({
  /** Sockets that are served now: those of clients, or of relays at a partition's feed. */
  clients: count,
  /** What they are subscribed to now, each socket's counted. */
  streams: count,
  /** The rest is what there was since the object's last word. Frames sent to them, and how long those were. */
  frames: count,
  bytes: count,
  /** Items in the frames. */
  items: count,
  /** Events that a newer one has replaced before they were due. */
  folded: count,
  resumes: counts,
  closes: counts,
});
export type EdgeCounts = z.infer<typeof edgeCounts>;

/** By exchange; `""` for what is not of one exchange, such as a frame of a connection of many streams. */
export const countsByExchange = z.record(z.string(), edgeCounts);
export type CountsByExchange = z.infer<typeof countsByExchange>;
export const NO_EXCHANGE = "";

/** What two have counted, and have now, taken together. */
export function sumCounts(a: EdgeCounts, b: EdgeCounts): EdgeCounts {
  return {
    clients: a.clients + b.clients,
    streams: a.streams + b.streams,
    frames: a.frames + b.frames,
    bytes: a.bytes + b.bytes,
    items: a.items + b.items,
    folded: a.folded + b.folded,
    resumes: sumByName(a.resumes, b.resumes),
    closes: sumByName(a.closes, b.closes),
  };
}

function sumByName(a: EdgeCounts["resumes"], b: EdgeCounts["resumes"]): EdgeCounts["resumes"] {
  const sum = { ...a };
  for (const [name, value] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}
