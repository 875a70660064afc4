/** One partition as a relay sees it: how far its clients have been sent its streams, and what the relay wants of it. */

import { patternsOf } from "../../protocol/pattern.ts";
import type { ItemLine, RelayHead, Through } from "../../protocol/relay-frames.ts";
import { parseStream, type Rate } from "../../protocol/stream.ts";
import { isTrade } from "./item-lines.ts";
import { exchangeOf } from "./status-board.ts";

/** What the relay wants of the partition under one name. */
interface Want {
  /** Subscriptions of audiences that it is made of. */
  count: number;
  /** The request in which it was asked for last. */
  request: number;
  /** The feed sends it from here on; undefined until it has said so. */
  start: number | undefined;
}

export class PartitionView {
  readonly name: string;
  readonly exchange: string;
  readonly wants = new Map<string, Want>();
  connected = false;
  /** What a lost link has missed is still on its way. */
  relinking = false;
  /** Null while nothing is known. */
  epoch: string | null = null;
  /** Up to where the clients have been sent everything, by rate. */
  sent: Through = everyRate(0);
  /** The same of what has arrived here. */
  received: Through = everyRate(0);
  /** Lines that wait for the end of the slot. */
  gathered: ItemLine[] = [];

  constructor(name: string) {
    this.name = name;
    this.exchange = exchangeOf(name);
  }

  /** Whether the feed has answered to all that is wanted under these names. */
  isReady(names: Iterable<string>): boolean {
    for (const name of names) if (this.wants.get(name)?.start === undefined) return false;
    return this.connected && !this.relinking;
  }

  /** The `trade` streams that are wanted. */
  get tradeNames(): string[] {
    return [...this.wants.keys()].filter((stream) => isTrade({ stream }));
  }

  /**
   * Whether the last item of a stream may be shown to a newcomer: of trades only those of named streams ever are, and of what
   * is not wanted it grows old.
   */
  keeps(stream: string): boolean {
    if (this.wants.has(stream)) return true;
    return !isTrade({ stream }) && patternsOf(parseStream(stream)).some((name) => this.wants.has(name));
  }

  /** From where on a client that joins now is sent everything of a stream. */
  startOf(name: string, rate: Rate): number {
    return Math.max(this.wants.get(name)?.start ?? 0, this.sent[rate]);
  }

  /** Up to where everything of these rates has been sent. */
  sentAt(rates: Iterable<Rate>): number {
    let least = Number.MAX_SAFE_INTEGER;
    for (const rate of rates) least = Math.min(least, this.sent[rate]);
    return least;
  }

  /** The feed has said from where it sends what was asked for in one request. */
  answered({ id, start }: Extract<RelayHead, { op: "wanted" }>): void {
    for (const want of this.wants.values()) if (want.request === id) want.start ??= start;
  }

  /**
   * Everything up to there has arrived, and is sent: at `raw` at once. A feed may say less than is known already: of a slow
   * rate's streams the relay may have been sent again what the feed still gathers.
   */
  receive(through: Through): void {
    this.received = {
      raw: Math.max(through.raw, this.received.raw),
      "100ms": Math.max(through["100ms"], this.received["100ms"]),
      "1s": Math.max(through["1s"], this.received["1s"]),
    };
    this.sent = { ...this.sent, raw: this.received.raw };
  }

  /** Nobody has been sent what came up to there, and nobody will be. */
  skipTo(through: Through): void {
    this.sent = through;
    this.received = through;
  }

  /** Of the log nothing is known any more. */
  forget(): void {
    this.epoch = null;
    this.skipTo(everyRate(0));
  }

  /** Another log, or the first one that is known. */
  begin(epoch: string, through: Through): void {
    this.epoch = epoch;
    this.skipTo(through);
    for (const want of this.wants.values()) if (want.start !== undefined) want.start = through.raw;
  }
}

export function everyRate(seq: number): Through {
  return { raw: seq, "100ms": seq, "1s": seq };
}
