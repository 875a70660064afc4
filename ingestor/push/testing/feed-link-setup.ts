/** A feed's link as its pusher holds it, with the feed played by the test. */

import { pino } from "pino";
import { type FeedFrame, type TicksFrame, ticksFrame } from "../../../protocol/ingest.ts";
import type { Rate } from "../../../protocol/stream.ts";
import type { LogRecord } from "../../log/log.ts";
import { EdgeTotals } from "../edge-totals.ts";
import { FeedLink } from "../feed-link.ts";
import type { CatchUp } from "../parking.ts";
import { Wire } from "./wire.ts";

export const STATUS = { state: "live", source: "simulated", since: 1, asOf: 5 } as const;

/** The rates that most ticks of the grid are due for. */
export const TICK = ["100ms"] as const;

type Batch = [prev: number, seq: number, events: number[], due: readonly Rate[]];

interface Options {
  /** What may wait, bytes: by default too little for sixty events. */
  readonly parkBytes?: number;
  /** Whether the pusher has read something of the log already. */
  readonly begun?: boolean;
}

export class FeedLinkSetup {
  readonly wire = new Wire<TicksFrame>((frame) => ticksFrame.parse(frame));
  readonly totals = new EdgeTotals("upbit");
  readonly link: FeedLink;
  /** What the link holds, and the least that it ever said that it holds. */
  bytes = 0;
  lowest = 0;
  readonly lacks: CatchUp[] = [];
  replaced = 0;
  /** Of the log; undefined before its first status. */
  epoch: string | undefined;
  /** The next position of the live reading. */
  next = 1;

  constructor({ parkBytes = 2000, begun = true }: Options = {}) {
    this.link = new FeedLink({
      instrument: "upbit:BTC-KRW",
      partition: 0,
      idleBatch: 30_000,
      parkBytes,
      view: () => this.#view(),
      logger: pino({ level: "silent" }),
      onBytes: (change) => {
        this.bytes += change;
        this.lowest = Math.min(this.lowest, this.bytes);
      },
      counted: this.totals.source("symbol_feed"),
      onLack: (_link, catchUp) => this.lacks.push(catchUp),
      onReplaced: () => {
        this.replaced += 1;
      },
    });
    if (!begun) return;
    this.epoch = "e-0";
    this.link.enter(this.epoch, 0);
  }

  #view() {
    const { epoch, next } = this;
    return epoch === undefined ? undefined : { epoch, asOf: 5, opens: 1, next, status: JSON.stringify(STATUS) };
  }

  /** The live reading comes upon these. */
  take(...offsets: number[]): void {
    for (const offset of offsets) {
      this.next = offset + 1;
      this.link.take(this.epoch ?? "", record(offset), 0);
    }
  }

  hear(frame: FeedFrame): void {
    this.link.onMessage(JSON.stringify(frame));
  }

  /** The feed is there and has stored up to `seq`. */
  ready(seq = 0, rates: Rate[] = [], of: string | null = "e-0"): void {
    this.link.opened(this.wire.socket);
    this.hear({ op: "ready", epoch: of, seq, rates });
  }

  ack(seq: number, dirty = false, of = "e-0"): void {
    this.hear({ op: "ack", epoch: of, seq, dirty });
  }

  /** Position, events and due rates of each batch since the last look. */
  batches(): Batch[] {
    return this.wire.take().map(({ prev, seq, events, due }) => [prev, seq, events.map((one) => one.seq), due]);
  }
}

export function record(offset: number, value = `{"type":"trade","id":"${offset}"}`): LogRecord {
  const origin = { kind: "event", incarnation: "e", term: 1 } as const;
  return { offset, logged: 5, key: "upbit:BTC-KRW", value, type: "trade", origin };
}
