/**
 * What a partition's feed does for relays: sends them the streams that they want, tells the publisher which rates that takes, and
 * makes a hole that can't be filled visible, by closing the links of relays that have trade streams.
 */

import { ProtocolError } from "../../protocol/errors.ts";
import type { LatestTicker, LoggedEvent } from "../../protocol/ingest.ts";
import type { PartitionBatch, ReplayedEvents, TickerList } from "../../protocol/partition-frames.ts";
import { type RelayRequest, relayRequest, UNASKED } from "../../protocol/relay-frames.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import type { EdgeCounters, Gauges } from "../edge-counters.ts";
import { readFrame } from "../sockets.ts";
import { linePages } from "./line-pages.ts";
import { beginning, type KnownTo, type PartitionCore } from "./partition-core.ts";
import type { PublisherLink } from "./publisher-link.ts";
import { type RelayLink, RelayLinks } from "./relay-links.ts";
import { RelayStatus } from "./relay-status.ts";
import { type LineContext, type RelayLines, RelayStreams } from "./relay-streams.ts";
import { RelayWants, type Want } from "./relay-wants.ts";
import { ReplaySessions } from "./replay-sessions.ts";

export class RelayServer {
  readonly #core: PartitionCore;
  readonly #publisher: PublisherLink;
  readonly #links: RelayLinks;
  readonly #counters: EdgeCounters;
  #streams = new RelayStreams<RelayLink>("", 0);
  readonly #replays: ReplaySessions;
  readonly #status = new RelayStatus();
  #source: LineContext["source"] = "live";
  readonly #wants = new RelayWants(
    (link, want) => this.#answer(link, want),
    // Not before: what one drops another may add.
    () => this.#tellRates(),
  );

  constructor(ctx: DurableObjectState, core: PartitionCore, publisher: PublisherLink, counters: EdgeCounters) {
    this.#core = core;
    this.#publisher = publisher;
    this.#counters = counters;
    this.#links = new RelayLinks(ctx, counters, (link) => this.#onLeft(link));
    this.#replays = new ReplaySessions({
      position: () => core.position,
      connected: () => publisher.connected,
      request: (request) => publisher.replay(request),
      send: (link, head, lines) => this.#links.send(link, head, lines),
      close: (link, error) => this.#links.close(link, error),
      context: () => this.#context,
      resumed: (outcome) => counters.resumed(outcome),
    });
  }

  /** What is there now, to be counted. */
  get gauges(): Gauges {
    return this.#links.gauges;
  }

  /** Whether any relay is sent trade streams: of these every event counts. */
  get wantsTrades(): boolean {
    for (const link of this.#links.all) if (hasTrades(link)) return true;
    return false;
  }

  accept(ws: WebSocket, relay: string): void {
    this.#links.accept(ws, relay);
  }

  /** @returns whether it is the socket of a relay */
  onMessage(ws: WebSocket, message: string | ArrayBuffer): boolean {
    const link = this.#links.of(ws);
    if (link === undefined) return false;
    const request = readFrame(relayRequest, message);
    if (request instanceof ProtocolError) this.#links.close(link, request);
    else this.#obey(link, request);
    return true;
  }

  onClose(ws: WebSocket): void {
    this.#links.leave(ws);
  }

  /** A publisher has come, perhaps in the place of another one, and was told what the feed has and which rates it wants. */
  onPublisher(): void {
    this.#replays.publisherGone();
    if (this.#core.position === null) this.#wants.awaitList();
    else this.#wants.release();
    this.#replays.resume();
  }

  /** @param now ms */
  onPublisherGone(now: number): void {
    this.#replays.publisherGone();
    if (this.#core.position !== null) this.#wants.release();
    if (this.#status.publisherGone(now)) this.#tellStatus();
  }

  /** A batch was taken in. @param events those of it that were new. @param now ms */
  onBatch({ due, status, asOf }: PartitionBatch, events: readonly LoggedEvent[], now: number): void {
    this.#source = status.source;
    this.#streams.take(events);
    this.#flush(due);
    this.#wants.onBatch();
    // While nobody listens it would soon be out of date.
    if (this.#streams.rates.length > 0 && this.#status.put({ ...status, asOf }, now)) this.#tellStatus();
  }

  /** A list was taken in, which has taken the feed from `before` to where it is. */
  onList(before: KnownTo | null, list: TickerList, tickers: readonly LatestTicker[]): void {
    const { position } = this.#core;
    if (position === null) return;
    if (before === null) this.#begin(position, tickers);
    else if (before.epoch !== position.epoch) this.#changeEpoch(before, position, list, tickers);
    else if (position.seq > before.seq) this.#jump(position);
    this.#streams.takeNewest(eventsOf(tickers, position));
    this.#flush([]);
    this.#replays.resume();
    this.#wants.onList();
  }

  onReplayed(page: ReplayedEvents): void {
    this.#replays.take(page);
  }

  onGone(instruments: string[]): void {
    this.#flush(RATES);
    this.#streams.forget(instruments);
    this.#links.sendAll({ op: "gone", instruments });
  }

  onDrain(within: number): void {
    this.#links.sendAll({ op: "drain", within });
  }

  get #context(): LineContext {
    return { source: this.#source, edge: Date.now() };
  }

  #obey(link: RelayLink, request: RelayRequest): void {
    try {
      switch (request.op) {
        case "want":
          this.#takeWant(link, request);
          break;
        case "replay":
          this.#replays.start(link, request);
          break;
        case "next":
          this.#replays.next(link, request.id);
          break;
        case "cancel":
          this.#replays.cancel(link, request.id);
          break;
      }
    } catch (error) {
      this.#refuse(link, error);
    }
  }

  #takeWant(link: RelayLink, want: Want): void {
    this.#wants.enter(link, want);
    this.#tellRates();
    if (this.#core.position === null) this.#wants.awaitList();
    this.#wants.settle();
  }

  #answer(link: RelayLink, { id, add, drop }: Want): void {
    try {
      this.#streams.add(link, add);
    } catch (error) {
      this.#refuse(link, error);
      return;
    }
    this.#streams.drop(link, drop);
    for (const name of add) link.wants.add(name);
    for (const name of drop) link.wants.delete(name);
    this.#sendWanted(link, id, add);
    const status = this.#status.current;
    if (status !== undefined) this.#links.send(link, { op: "status", status });
  }

  /** Says from where on these streams are sent live, and what their last items are. */
  #sendWanted(link: RelayLink, id: number, names: readonly string[]): void {
    const { position } = this.#core;
    const { through } = this.#streams;
    const head = { op: "wanted" as const, id, epoch: position?.epoch ?? null, start: position?.seq ?? 0, through };
    const pages = linePages(this.#streams.snapshots(names, this.#context));
    for (const [i, lines] of pages.entries()) this.#links.send(link, { ...head, more: i < pages.length - 1 }, lines);
  }

  /** A relay has said what no relay says. @throws what it is no fault of the relay's */
  #refuse(link: RelayLink, error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.#links.close(link, error);
  }

  /** Has the publisher send at the rates that are wanted, and nothing when nothing is, so that the feed may sleep. */
  #tellRates(): void {
    const wanted = [...this.#streams.rates, ...this.#wants.rates];
    const rates = RATES.filter((rate) => wanted.includes(rate));
    if (this.#publisher.cadence(rates, this.#core.position, Date.now())) this.#wants.awaitList();
    // What nobody wants any more has no grid that would flush it.
    const unwanted = RATES.filter((rate) => !rates.includes(rate));
    if (this.#core.position !== null) this.#streams.flush(unwanted, this.#core.position.seq, this.#context);
    if (rates.length === 0) this.#status.forget();
  }

  #onLeft(link: RelayLink): void {
    this.#streams.drop(link, [...link.wants]);
    link.wants.clear();
    this.#wants.leave(link);
    this.#replays.leave(link);
    this.#tellRates();
  }

  /** Everyone is sent how far the feed is, with or without lines. @param through the feed's position, if no other is said */
  #flush(due: readonly Rate[], through = this.#core.position?.seq): void {
    if (through === undefined) return;
    const before = this.#streams.through;
    const lines = this.#streams.flush(due, through, this.#context);
    this.#counters.folded += this.#streams.takeFolded();
    const moved = RATES.some((rate) => this.#streams.through[rate] !== before[rate]);
    const head = { op: "lines" as const, epoch: this.#streams.epoch, through: this.#streams.through };
    for (const link of this.#links.all) {
      const own = lines.get(link);
      if (own !== undefined || (moved && link.wants.size > 0)) this.#links.send(link, head, own);
    }
  }

  /** The first that is known of the log. Those who were told that nothing is are told now. */
  #begin({ epoch, seq }: KnownTo, tickers: readonly LatestTicker[]): void {
    this.#streams = new RelayStreams(epoch, seq);
    this.#streams.takeNewest(eventsOf(tickers, { epoch, seq }));
    this.#source = tickers[0]?.source ?? this.#source;
    for (const link of this.#links.all) {
      if (link.wants.size === 0) continue;
      const names = [...link.wants];
      this.#streams.add(link, names);
      this.#sendWanted(link, UNASKED, names);
    }
  }

  /** What was gathered of the old log goes out before the word of the new one. */
  #changeEpoch(before: KnownTo, position: KnownTo, list: TickerList, tickers: readonly LatestTicker[]): void {
    this.#flush(RATES, before.seq);
    const { epoch } = position;
    const known = tickers.filter((ticker) => ticker.epoch === epoch).map(({ t }) => t.logged);
    const at = beginning(list.from);
    const until = Math.min(list.asOf, ...known);
    const lines: RelayLines<RelayLink> = this.#streams.changeEpoch(epoch, at, before.asOf, until, this.#context);
    this.#replays.endOthers(epoch);
    for (const link of this.#links.all) {
      if (link.wants.size > 0) this.#links.send(link, { op: "epoch", epoch, start: at - 1 }, lines.get(link));
    }
    if (position.seq > at) this.#streams.skip(position.seq);
  }

  /** Events have been passed over that the pusher has not got any more. */
  #jump({ seq }: KnownTo): void {
    this.#counters.resumed("began_anew");
    const error = new ProtocolError("restarting", "events are missing that are not to be had any more");
    for (const link of [...this.#links.all]) if (hasTrades(link)) this.#links.close(link, error);
    this.#streams.skip(seq);
  }

  #tellStatus(): void {
    const status = this.#status.current;
    if (status !== undefined) this.#links.sendAll({ op: "status", status });
  }
}

function hasTrades({ wants }: RelayLink): boolean {
  for (const name of wants) if (name.includes("@trade@")) return true;
  return false;
}

/** The tickers of a list as events of the log, as far as the feed has that. */
function eventsOf(tickers: readonly LatestTicker[], { epoch, seq }: { epoch: string; seq: number }): LoggedEvent[] {
  return tickers.flatMap(({ instrument, ticker, t, ...at }) => {
    if (at.epoch !== epoch || at.seq > seq) return [];
    return [{ seq: at.seq, logged: t.logged, event: { type: "ticker", instrument, ...ticker, received: t.received } }];
  });
}
