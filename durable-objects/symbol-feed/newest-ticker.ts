/**
 * The newest ticker of a feed, as REST, Redis and storage have it. Its figures are serialised once, for these and for items
 * alike: every text here is made around {@link FeedEvent.body}.
 */

import { type Source, type Ticker, type TickerEvent, tickerOf } from "../../protocol/events.ts";
import type { Path } from "../../protocol/frames.ts";
import type { LatestTicker } from "../../protocol/ingest.ts";
import { FeedEvent } from "../streams/item.ts";

/** The newest ticker and where it stands. */
export interface TickerRecord {
  /** Its own: the feed may have gone over to another log since. */
  readonly epoch: string;
  readonly seq: number;
  readonly ticker: Ticker;
  readonly t: Omit<Path, "edge">;
}

export class NewestTicker {
  /** Of the log that it came from. */
  readonly epoch: string;
  readonly event: FeedEvent;
  readonly #ticker: TickerEvent;

  private constructor(epoch: string, event: FeedEvent, ticker: TickerEvent) {
    this.epoch = epoch;
    this.event = event;
    this.#ticker = ticker;
  }

  /** Undefined where the event is no ticker. */
  static of(epoch: string, event: FeedEvent): NewestTicker | undefined {
    return event.event.type === "ticker" ? new NewestTicker(epoch, event, event.event) : undefined;
  }

  /** As it was stored. */
  static stored(instrument: string, { epoch, seq, ticker, t }: TickerRecord): NewestTicker {
    const event = { type: "ticker" as const, instrument, ...ticker, received: t.received };
    return new NewestTicker(epoch, new FeedEvent({ seq, logged: t.logged, event }), event);
  }

  get seq(): number {
    return this.event.seq;
  }

  /** A {@link TickerRecord} as JSON. */
  get recordText(): string {
    return `{${this.#position},${this.#figures}}`;
  }

  latest(source: Source): LatestTicker {
    const { epoch, seq } = this;
    return { instrument: this.#ticker.instrument, epoch, seq, source, ticker: tickerOf(this.#ticker), t: this.#path };
  }

  /** What Redis holds, as JSON. @param asOf up to when it is known to be the newest, ms */
  redisText(source: Source, asOf: number): string {
    const instrument = JSON.stringify(this.#ticker.instrument);
    return `{"instrument":${instrument},${this.#position},"source":"${source}",${this.#figures},"asOf":${asOf}}`;
  }

  get #position(): string {
    return `"epoch":${JSON.stringify(this.epoch)},"seq":${this.seq}`;
  }

  get #figures(): string {
    return `"ticker":${this.event.body},"t":${JSON.stringify(this.#path)}`;
  }

  get #path(): Omit<Path, "edge"> {
    const { time, received } = this.#ticker;
    return { exchange: time, received, logged: this.event.logged };
  }
}
