/** The frames of `protocol/partition-frames.ts` as text. Events stand in them just as they came from the log. */

import type { LatestTicker } from "../../protocol/ingest.ts";
import { encodeIngest, INGEST_VERSION } from "../../protocol/ingest-version.ts";
import type { PartitionBatch, ReplayedEvents, TickerList } from "../../protocol/partition-frames.ts";
import type { RingEvent } from "./ring.ts";

/** What one message carries, bytes: an object's other messages wait while it reads one. */
export const PAGE_BYTES = 256 * 1024;

/** @param status JSON text of the collector's status, without the `asOf` that each batch gives it */
export function encodePartitionBatch(
  { epoch, prev, through, asOf, due, count }: Omit<PartitionBatch, "op" | "events" | "status">,
  status: string,
  events: readonly RingEvent[],
): string {
  const head = `"v":${INGEST_VERSION},"epoch":${JSON.stringify(epoch)},"prev":${prev},"through":${through}`;
  const said = `${status.slice(0, -1)},"asOf":${asOf}}`;
  const rest = `"asOf":${asOf},"status":${said},"due":${JSON.stringify(due)}${count === true ? ',"count":true' : ""}`;
  return `{"op":"batch",${head},"events":${encodeEvents(events)},${rest}}`;
}

export function encodeReplayed(frame: Omit<ReplayedEvents, "op" | "events">, events: readonly RingEvent[]): string {
  return `${encodeIngest({ op: "replayed", ...frame }).slice(0, -1)},"events":${encodeEvents(events)}}`;
}

/** The pages of a list, one at least. */
export function encodeTickerList(
  list: Omit<TickerList, "op" | "tickers" | "more">,
  tickers: readonly LatestTicker[],
): string[] {
  const pages: string[][] = [[]];
  let size = 0;
  for (const text of tickers.map((one) => JSON.stringify(one))) {
    if (size + text.length > PAGE_BYTES && size > 0) {
      pages.push([]);
      size = 0;
    }
    size += text.length + 1;
    pages.at(-1)?.push(text);
  }
  const head = encodeIngest({ op: "tickers", ...list }).slice(0, -1);
  return pages.map((texts, i) => `${head},"tickers":[${texts.join(",")}],"more":${i < pages.length - 1}}`);
}

function encodeEvents(events: readonly RingEvent[]): string {
  return `[${events.map(({ offset, logged, value }) => `{"seq":${offset},"logged":${logged},"event":${value}}`).join(",")}]`;
}
