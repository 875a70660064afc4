/**
 * The streams of a partition that relays want, without their sockets: takes the partition's events in order and makes each
 * item once, as the line in which it goes to every relay that wants it. What nobody wants costs one look-up an event.
 */

import type { Source } from "../../protocol/events.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { covers, isPattern, parsePattern } from "../../protocol/pattern.ts";
import { encodeLine, type Through } from "../../protocol/relay-frames.ts";
import { parseStream, RATES, type Rate } from "../../protocol/stream.ts";
import { epochGap } from "../streams/epoch-gap.ts";
import { FeedEvent } from "../streams/item.ts";
import { SubscriptionIndex } from "../streams/subscription-index.ts";
import { InstrumentStreams, type LiveStream } from "./instrument-streams.ts";

/** What items are made of besides their events; `edge`: when they are sent, ms. */
export interface LineContext {
  readonly source: Source;
  readonly edge: number;
}

/** Lines to send, by relay. */
export type RelayLines<Link> = ReadonlyMap<Link, readonly string[]>;

export class RelayStreams<Link extends object> {
  readonly #wants = new SubscriptionIndex<string, Link>();
  readonly #instruments = new Map<string, InstrumentStreams>();
  /** Streams with something to send, by rate. */
  readonly #dirty = new Map<Rate, Set<LiveStream>>(RATES.map((rate) => [rate, new Set()]));
  readonly #isWanted = (name: string) => this.#wants.has(name);
  #version = 0;
  #folded = 0;
  #epoch: string;
  #start: number;
  #through: Through;

  /** @param start everything that comes behind it will be taken */
  constructor(epoch: string, start: number) {
    this.#epoch = epoch;
    this.#start = start;
    this.#through = everyRate(start);
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Everything that was wanted of the trade streams of a rate has been sent up to there. */
  get through(): Through {
    return this.#through;
  }

  /** The rates that anyone wants, in the order of {@link RATES}. */
  get rates(): Rate[] {
    const wanted = new Set([...this.#wants.keys].map((name) => name.slice(name.lastIndexOf("@") + 1)));
    return RATES.filter((rate) => wanted.has(rate));
  }

  /** @param names canonical, as in a relay's `want`. @throws {ProtocolError} where one is no stream; nothing is added then */
  add(link: Link, names: readonly string[]): void {
    for (const name of names) isPattern(name) ? parsePattern(name) : parseStream(name);
    for (const name of names) {
      if (!this.#wants.has(name)) this.#changed(name);
      this.#wants.add(name, link);
    }
  }

  drop(link: Link, names: readonly string[]): void {
    for (const name of names) {
      this.#wants.remove(name, link);
      if (!this.#wants.has(name)) this.#changed(name);
    }
  }

  /** The first lines of what a relay has just added: the last items of state streams, and the newest trades of named ones. */
  snapshots(names: readonly string[], context: LineContext): string[] {
    const live = new Set(names.flatMap((name) => [...this.#liveUnder(name)]));
    return [...live].flatMap((one) => {
      const item = this.#of(one.instrument).snapshot(one, { ...context, epoch: this.#epoch });
      return item === undefined ? [] : [encodeLine(item)];
    });
  }

  /** Takes what is known of an instrument already: its newest ticker. Only before anything of it is wanted. */
  learn(logged: LoggedEvent): void {
    this.#of(logged.event.instrument).learn(logged);
  }

  /** Takes events behind {@link through} in the order of the log. */
  take(events: readonly LoggedEvent[]): void {
    for (const logged of events) {
      const streams = this.#of(logged.event.instrument);
      const live = streams.live(this.#version, this.#isWanted);
      if (live.length > 0) this.#pass(new FeedEvent(logged), live);
      streams.learn(logged);
    }
  }

  /** Takes the newest tickers as a list tells them, whoever wants them: those that are known already are passed over. */
  takeNewest(tickers: readonly LoggedEvent[]): void {
    const fresh = tickers.filter(({ seq, event }) => seq > this.#of(event.instrument).tickerSeq);
    this.take(fresh.toSorted((a, b) => a.seq - b.seq));
  }

  /**
   * Goes on from further on, over events that have not come: only where nobody wants a trade stream, since of those something
   * would be missing without a trace.
   */
  skip(through: number): void {
    this.#start = through;
    this.#through = everyRate(through);
    for (const streams of this.#instruments.values()) streams.skip(through);
    for (const streams of this.#dirty.values()) {
      for (const live of streams) if (live.stream.channel === "trade") streams.delete(live);
    }
  }

  /**
   * Makes the lines that are due: those of `raw` always.
   *
   * @param through up to where everything has been taken
   */
  flush(due: readonly Rate[], through: number, context: LineContext): RelayLines<Link> {
    const lines = new Map<Link, string[]>();
    for (const [rate, streams] of this.#dirty) {
      if (rate !== "raw" && !due.includes(rate)) continue;
      for (const live of streams) this.#flush(live, context, lines);
      streams.clear();
    }
    this.#through = { ...this.#through };
    for (const [rate, streams] of this.#dirty) if (!waits(streams)) this.#through[rate] = through;
    return lines;
  }

  /** How many events a newer one has replaced before they were due, since this was asked last. */
  takeFolded(): number {
    const folded = this.#folded;
    this.#folded = 0;
    return folded;
  }

  /**
   * Goes over to another log: every wanted trade stream goes on with a snapshot and a gap. Before it everything has to be
   * flushed.
   *
   * @param gapSeq where no event of the new log stands, nor at the position before it: the gap and the snapshot do
   * @param since log time (ms) up to which the old log was known
   * @param until ... from which on the new one is
   */
  changeEpoch(epoch: string, gapSeq: number, since: number, until: number, context: LineContext): RelayLines<Link> {
    this.#epoch = epoch;
    this.#start = gapSeq - 1;
    this.#through = everyRate(this.#start);
    for (const [name, streams] of this.#instruments) {
      const live = streams.live(this.#version, this.#isWanted);
      streams.changeEpoch(this.#start);
      const gap = epochGap(name, gapSeq, since, until);
      this.#pass(new FeedEvent(gap), live);
      streams.learn(gap);
    }
    return this.flush(RATES, gapSeq, context);
  }

  /** Forgets instruments that are no longer collected. */
  forget(instruments: readonly string[]): void {
    for (const name of instruments) this.#instruments.delete(name);
  }

  #pass(event: FeedEvent, live: readonly LiveStream[]): void {
    for (const one of live) {
      one.stream.take(event, true);
      if (one.stream.dirty) this.#dirty.get(one.stream.rate)?.add(one);
    }
  }

  #flush(one: LiveStream, context: LineContext, lines: Map<Link, string[]>): void {
    const { instrument, names, stream } = one;
    // What was given up meanwhile is not sent to those who want it anew: they have begun with what is newer.
    if (!this.#of(instrument).live(this.#version, this.#isWanted).includes(one)) return;
    const made = stream.flush({ ...context, instrument, epoch: this.#epoch }).map(encodeLine);
    this.#folded += stream.takeFolded();
    for (const link of new Set(names.flatMap((name) => [...this.#wants.listeners(name)]))) {
      const known = lines.get(link);
      if (known === undefined) lines.set(link, [...made]);
      else known.push(...made);
    }
  }

  #of(instrument: string): InstrumentStreams {
    const known = this.#instruments.get(instrument);
    if (known !== undefined) return known;
    const made = new InstrumentStreams(instrument, this.#start);
    this.#instruments.set(instrument, made);
    return made;
  }

  /** A name is wanted for the first time, or by nobody any more. */
  #changed(name: string): void {
    if (isPattern(name)) this.#version += 1;
    else this.#of(parseStream(name).instrument.name).refresh();
  }

  /** The streams of a name, those of a wildcard only on state channels: thousands of newest trades would tell nobody anything. */
  *#liveUnder(name: string): Iterable<LiveStream> {
    const all = isPattern(name) ? this.#covered(name) : [this.#of(parseStream(name).instrument.name)];
    for (const streams of all) {
      for (const one of streams.live(this.#version, this.#isWanted)) if (one.names.includes(name)) yield one;
    }
  }

  #covered(name: string): InstrumentStreams[] {
    const pattern = parsePattern(name);
    if (pattern.channel === "trade") return [];
    return [...this.#instruments.values()].filter(({ instrument }) => covers(pattern, instrument));
  }
}

function everyRate(seq: number): Through {
  return { raw: seq, "100ms": seq, "1s": seq };
}

/** Whether trades or gaps wait: what waits of a state holds no position back. */
function waits(streams: ReadonlySet<LiveStream>): boolean {
  for (const { stream } of streams) if (stream.channel === "trade" && stream.dirty) return true;
  return false;
}
