/**
 * How an event of the history is stored. A trade stands there just as items carry it, so its text is made once for all streams,
 * resumes and storage, and takes less room.
 */

import type { GapEvent, TradeEvent } from "../../protocol/events.ts";
import type { TradeItem } from "../../protocol/frames.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { FeedEvent } from "../streams/item.ts";

interface StoredTrade {
  readonly logged: number;
  readonly received: number | null;
  readonly trade: TradeItem;
  readonly snapshot?: true;
}

/** A gap; and, as version 1 stored them, a trade. */
interface StoredWhole extends LoggedEvent {
  readonly event: GapEvent | TradeEvent;
}

/** As JSON. */
export function encodeStored(event: FeedEvent): string {
  const { seq, logged } = event;
  if (event.event.type !== "trade") return JSON.stringify({ seq, logged, event: event.event });
  const { received, snapshot } = event.event;
  return `{"logged":${logged},"received":${received},"trade":${event.body}${snapshot ? ',"snapshot":true' : ""}}`;
}

/** The events of a chunk, oldest first. @param body a JSON array of what {@link encodeStored} made, in this version or the one before */
export function decodeChunk(instrument: string, body: string): FeedEvent[] {
  return (JSON.parse(body) as (StoredTrade | StoredWhole)[]).map((stored) => decode(instrument, stored));
}

function decode(instrument: string, stored: StoredTrade | StoredWhole): FeedEvent {
  if ("event" in stored) return new FeedEvent(stored);
  const { logged, received, snapshot = false } = stored;
  const { seq, ...trade } = stored.trade;
  return new FeedEvent({ seq, logged, event: { type: "trade", instrument, ...trade, received, snapshot } });
}
