/** A log that tests can look into: what a collector has appended, in order. */

import type { GapEvent, MarketEvent, TradeEvent } from "../../../protocol/events.ts";
import { MemoryLog } from "../../log/memory.ts";

export class RecordingLog extends MemoryLog {
  readonly events: MarketEvent[] = [];

  override append(event: MarketEvent): void {
    this.events.push(event);
  }

  get trades(): TradeEvent[] {
    return this.events.filter((event) => event.type === "trade");
  }

  get gaps(): GapEvent[] {
    return this.events.filter((event) => event.type === "gap");
  }

  gapsOf(instrument: string): GapEvent[] {
    return this.gaps.filter((gap) => gap.instrument === instrument);
  }
}
