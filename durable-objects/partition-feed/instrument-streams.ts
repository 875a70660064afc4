/** What a partition feed knows of one of its instruments, and those of its streams that somebody wants. */

import type { LoggedEvent } from "../../protocol/ingest.ts";
import { type Instrument, parseInstrument } from "../../protocol/instrument.ts";
import { ANY, patternsOf } from "../../protocol/pattern.ts";
import { CHANNELS, type Channel, RATES, type Rate, stream } from "../../protocol/stream.ts";
import type { FeedStream } from "../streams/feed-stream.ts";
import { FeedEvent, type Item, type ItemContext, logSnapshot, pathOf } from "../streams/item.ts";
import { LogStream, type StreamHistory } from "../streams/log-stream.ts";
import { StateStream } from "../streams/state-stream.ts";

/** A stream that somebody wants. */
export interface LiveStream {
  readonly instrument: string;
  /** Under which it may be wanted: its own name, and those of the wildcards that stand for it. */
  readonly names: readonly string[];
  readonly stream: FeedStream;
}

export class InstrumentStreams {
  readonly instrument: Instrument;
  /** The newest of each, whether anyone wants it or not: the first thing that a newcomer is told. */
  #ticker: LoggedEvent | undefined;
  #trade: LoggedEvent | undefined;
  /** The newest trade or gap. */
  #newest: LoggedEvent | undefined;
  #start: number;
  #live: LiveStream[] = [];
  #candidates: readonly Candidate[] | undefined;
  #version = -1;

  /** @param start everything that comes behind it will be taken */
  constructor(name: string, start: number) {
    this.instrument = parseInstrument(name);
    this.#start = start;
  }

  /** Those of its streams that are wanted. @param version counts the changes of what is wanted */
  live(version: number, isWanted: (name: string) => boolean): readonly LiveStream[] {
    if (version !== this.#version) {
      this.#version = version;
      this.#candidates ??= candidatesOf(this.instrument);
      this.#live = this.#candidates.flatMap((one) => (one.names.some(isWanted) ? [this.#liveOf(one)] : []));
    }
    return this.#live;
  }

  /** Has {@link live} look again, although the version is the same. */
  refresh(): void {
    this.#version = -1;
  }

  /**
   * What a newcomer to one of the streams is told first: the last item of a state; of trades the newest, whether its time to
   * be sent has come or not, since the newcomer has the stream from there on. Undefined where nothing is known.
   */
  snapshot({ stream }: LiveStream, context: Omit<ItemContext, "instrument">): Item | undefined {
    const own = { ...context, instrument: this.instrument.name };
    if (stream.channel !== "trade") return stream.snapshot(own);
    const newest = this.#newest;
    if (newest === undefined) return undefined;
    const trade = this.#trade && new FeedEvent(this.#trade);
    return logSnapshot(stream.key, newest.seq, trade, pathOf(trade ?? newest, context.edge), own);
  }

  /** The newest ticker that is known; 0 for none. */
  get tickerSeq(): number {
    return this.#ticker?.seq ?? 0;
  }

  /** Takes what comes for the first time; the wanted streams have had it before. */
  learn(logged: LoggedEvent): void {
    if (logged.event.type === "ticker") this.#ticker = logged;
    else this.#newest = logged;
    if (logged.event.type === "trade") this.#trade = logged;
  }

  /** Goes over to another log. @param start as in the constructor, of the new log */
  changeEpoch(start: number): void {
    this.#ticker = undefined;
    this.#trade = undefined;
    this.#newest = undefined;
    this.#start = start;
    for (const live of this.#live) live.stream.changeEpoch(start, true, true);
  }

  /** Goes on from further on, over events that have not come: its newest trade is not known any more. */
  skip(start: number): void {
    this.#trade = undefined;
    this.#newest = undefined;
    this.#start = start;
    this.#live = this.#live.filter(({ stream }) => stream.channel !== "trade");
    this.refresh();
  }

  #liveOf({ names, channel, rate }: Candidate): LiveStream {
    const known = this.#live.find(({ stream }) => stream.channel === channel && stream.rate === rate);
    return known ?? { instrument: this.instrument.name, names, stream: this.#begin(channel, rate) };
  }

  /** A stream that goes on from what has been already, as if it had passed over it. */
  #begin(channel: Channel, rate: Rate): FeedStream {
    const made = CHANNEL_STREAMS[channel](rate);
    const last = channel === "ticker" ? this.#ticker : this.#newest;
    if (last !== undefined) made.take(new FeedEvent(last), false);
    else if (channel === "trade") made.adopt(this.#start);
    return made;
  }
}

/** A partition feed keeps nothing: what was missed comes from the pusher's ring. */
const NO_HISTORY: StreamHistory = { since: () => [], newestUpTo: () => undefined, newestTrades: () => [] };

const CHANNEL_STREAMS: Readonly<Record<Channel, (rate: Rate) => FeedStream>> = {
  ticker: (rate) => new StateStream("ticker", rate),
  trade: (rate) => new LogStream("trade", rate, NO_HISTORY),
};

/** A stream that there might be. */
interface Candidate extends Pick<LiveStream, "names"> {
  readonly channel: Channel;
  readonly rate: Rate;
}

/** A partition is of one exchange: it is wanted by no wildcard over exchanges. */
function candidatesOf(instrument: Instrument): Candidate[] {
  return CHANNELS.flatMap((channel) =>
    RATES.map((rate) => {
      const names = patternsOf(stream(instrument, channel, rate)).filter((name) => !name.startsWith(`${ANY}:`));
      return { names, channel, rate };
    }),
  );
}
