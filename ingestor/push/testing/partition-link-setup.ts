/** A partition's link as its pusher holds it, with the partition's feed played by the test. */

import { type PartitionFrame, type PartitionReply, partitionFrame } from "../../../protocol/partition-frames.ts";
import type { Rate } from "../../../protocol/stream.ts";
import type { LogRecord } from "../../log/log.ts";
import { EdgeTotals } from "../edge-totals.ts";
import { dueOn, GRID } from "../grid.ts";
import { NewestTickers } from "../newest-tickers.ts";
import { type LogView, PartitionLink } from "../partition-link.ts";
import { EventRing } from "../ring.ts";
import { RingMemory } from "../ring-memory.ts";
import { Wire } from "./wire.ts";

export const EPOCH = "e-0";

type PartitionWire = Wire<PartitionFrame>;

export class PartitionLinkSetup {
  readonly ring: EventRing;
  readonly newest = new NewestTickers();
  readonly totals = new EdgeTotals("upbit");
  readonly link: PartitionLink;
  view: LogView | undefined = {
    epoch: EPOCH,
    asOf: 0,
    status: '{"state":"live","source":"simulated","since":1}',
    source: "simulated",
  };
  replaced = 0;
  now = 1_000_000;
  #ticks = 0;

  constructor(memory = 10_000_000) {
    this.ring = new EventRing(new RingMemory(memory));
    this.ring.begin(0);
    this.newest.begin(EPOCH, 0);
    const onReplaced = () => {
      this.replaced += 1;
    };
    const counted = this.totals.source("partition_feed");
    this.link = new PartitionLink({ ring: this.ring, newest: this.newest, view: () => this.view, counted, onReplaced });
  }

  read(offset: number, key = "a", type: LogRecord["type"] = "ticker", padding = ""): void {
    const origin = { kind: "event", incarnation: "e", term: 1 } as const;
    const value = JSON.stringify({ type, instrument: key, price: "1", time: 5, received: 6, padding });
    const record: LogRecord = { offset, logged: offset * 10, key, value, type, origin };
    if (type === "ticker") this.newest.take(record);
    this.ring.append(record);
    if (this.view !== undefined) this.view = { ...this.view, asOf: offset * 10 };
    this.link.onRead(this.now);
  }

  open(): PartitionWire {
    const wire = new Wire((frame) => partitionFrame.parse(frame));
    this.link.opened(wire.socket);
    return wire;
  }

  say(frame: PartitionReply): void {
    this.link.onMessage(JSON.stringify(frame));
  }

  /** Opens a feed's socket. */
  ready(rates: Rate[] = [], has?: number): PartitionWire {
    const wire = this.open();
    this.say({ op: "ready", epoch: has === undefined ? null : EPOCH, through: has ?? 0, rates });
    return wire;
  }

  /** A tick of the grid. */
  tick(): void {
    this.now += GRID;
    this.#ticks += 1;
    this.link.onGrid(this.now, dueOn(this.#ticks));
  }
}

/** What a frame says of positions: which events it carries, and between which it stands. */
export function content(frame: PartitionFrame): unknown {
  switch (frame.op) {
    case "tickers":
      return [
        "tickers",
        frame.from,
        frame.through,
        frame.tickers.map(({ instrument, seq }) => [instrument, seq]),
        frame.more,
      ];
    case "batch":
      return ["batch", frame.prev, frame.through, frame.events.map(({ seq }) => seq)];
    case "replayed":
      return [
        "replayed",
        frame.id,
        frame.from,
        frame.through,
        frame.events.map(({ seq }) => seq),
        frame.more,
        frame.complete,
      ];
    case "gone":
      return ["gone", frame.instruments];
    default:
      return frame;
  }
}

export const contents = (wire: PartitionWire) => wire.sent.map(content);
