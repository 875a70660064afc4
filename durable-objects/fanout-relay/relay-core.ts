/**
 * A relay without its sockets: takes what partition feeds send, and gives every client the streams that it has subscribed to,
 * each item once, with the positions that make a loss visible. It keeps no time: whoever holds it says when a slot ends.
 */

import { decodeRelayFrame, type ItemLine, type RelayHead, type Through } from "../../protocol/relay-frames.ts";
import { Announcements } from "./announcements.ts";
import { Audiences, outdated } from "./audience.ts";
import { PositionBroadcaster } from "./audience-positions.ts";
import { Delivery } from "./delivery.ts";
import { isTrade } from "./item-lines.ts";
import type { Markets } from "./markets.ts";
import { everyRate, type PartitionView } from "./partition-view.ts";
import { Partitions } from "./partitions.ts";
import type { RelayPorts } from "./ports.ts";
import { RelayClients, type SubscribeRequest, type UnsubscribeRequest } from "./relay-clients.ts";
import { Relinks } from "./relinks.ts";
import type { StreamLimits } from "./requested-streams.ts";
import { Slot } from "./slot.ts";
import { SnapshotCache } from "./snapshot-cache.ts";
import { exchangeOf } from "./status-board.ts";
import { StreamMatcher } from "./stream-matcher.ts";

export class RelayCore<Client extends object> {
  readonly #markets: () => Markets;
  readonly #audiences = new Audiences<Client>();
  readonly #matcher: StreamMatcher;
  readonly #cache = new SnapshotCache();
  readonly #partitions: Partitions;
  readonly #clients: RelayClients<Client>;
  readonly #slot: Slot<Client>;
  readonly #relinks: Relinks;
  readonly #announcements: Announcements<Client>;
  readonly #positions: PositionBroadcaster<Client>;

  constructor(markets: () => Markets, limits: StreamLimits, ports: RelayPorts<Client>) {
    this.#markets = markets;
    this.#matcher = new StreamMatcher(
      (name) => this.#audiences.has(name),
      () => this.#audiences.version,
    );
    this.#announcements = new Announcements(this.#audiences, ports);
    this.#partitions = new Partitions(ports, (view) => this.#forgetUnwanted(view));
    const delivery = new Delivery(this.#audiences, this.#matcher, this.#partitions);
    this.#slot = new Slot({ delivery, cache: this.#cache, ports, onSent: () => this.#clients.rejoin() });
    this.#positions = new PositionBroadcaster(this.#audiences, this.#partitions, ports);
    this.#relinks = new Relinks(this.#partitions, ports);
    this.#clients = new RelayClients({
      audiences: this.#audiences,
      matcher: this.#matcher,
      partitions: this.#partitions,
      cache: this.#cache,
      markets,
      limits,
      ports,
      statusOf: (exchange) => this.#announcements.statusFrame(exchange),
    });
  }

  /** Whether lines wait for the end of a slot. */
  get gathering(): boolean {
    return this.#slot.gathering;
  }

  /** @param now ms */
  subscribe(client: Client, request: SubscribeRequest, now: number): void {
    this.#clients.subscribe(client, request, now);
  }

  unsubscribe(client: Client, request: UnsubscribeRequest): void {
    this.#clients.unsubscribe(client, request);
  }

  /** Requests of a client that wait for an earlier one. */
  waiting(client: Client): number {
    return this.#clients.waiting(client);
  }

  /** There are other exchanges, or their logs are divided otherwise: whoever has something of them comes back for it. */
  marketsChanged(): void {
    this.#dismiss(outdated(this.#audiences.all, this.#markets()));
  }

  /** Forgets a client that has gone. */
  remove(client: Client): void {
    this.#clients.remove(client);
  }

  /** The link to a partition feed is open. */
  linkOpened(partition: string): void {
    const view = this.#partitions.get(partition);
    if (view === undefined) return;
    // What was the newest trade is not known to be it any more: the feed says so anew.
    this.#cache.forget((stream, other) => other === partition && isTrade({ stream }));
    this.#relinks.opened(view);
    this.#partitions.opened(view);
  }

  /** The link is lost; it is being opened again. */
  linkLost(partition: string): void {
    const view = this.#partitions.get(partition);
    if (view === undefined) return;
    this.#slot.end();
    view.connected = false;
    this.#announcements.forget(partition);
    this.#relinks.lost(view);
    this.#dismiss(this.#clients.lost(partition));
  }

  /**
   * Takes a frame of a feed.
   *
   * @param now ms
   * @throws {ProtocolError} `bad_request` where it is none: the link must be opened anew
   */
  take(partition: string, text: string, now: number): void {
    const view = this.#partitions.get(partition);
    if (view === undefined) return;
    const { head, lines } = decodeRelayFrame(text);
    if (head.op === "lines") {
      // Of another log only what comes behind the word that it has changed.
      if (head.epoch === view.epoch) this.#takeLive(view, head.through, lines);
    } else {
      // Whatever else it says holds behind what it has sent before.
      this.#slot.end();
      this.#takeOther(view, head, lines, now);
    }
    this.#clients.settle(now);
  }

  /** The end of a slot: sends what was gathered. @param now ms */
  endSlot(now: number): void {
    this.#slot.end();
    this.#clients.settle(now);
  }

  /** Answers what has waited too long. @param now ms */
  settle(now: number): void {
    this.#clients.settle(now);
  }

  /** How many streams and wildcards the clients have: see {@link Audiences.streams}. */
  get streams(): ReadonlyMap<string, number> {
    return this.#audiences.streams;
  }

  /** Tells everyone their positions: silence, too, is a proof that nothing is missing. */
  tellPositions(): void {
    this.#positions.tellAll();
  }

  /** Tells everyone how the exchanges are that they listen to. */
  tellStatus(): void {
    const exchanges = new Set([...this.#partitions.all].map(({ name }) => exchangeOf(name)));
    for (const exchange of exchanges) this.#announcements.tellStatus(exchange);
  }

  #takeLive(view: PartitionView, through: Through, lines: readonly ItemLine[]): void {
    const live = this.#relinks.pass(view, { through, lines });
    if (live !== undefined) this.#slot.pass(view, live);
  }

  #takeOther(
    view: PartitionView,
    head: Exclude<RelayHead, { op: "lines" }>,
    lines: readonly ItemLine[],
    now: number,
  ): void {
    switch (head.op) {
      case "wanted":
        this.#takeWanted(view, head, lines);
        break;
      case "replay":
        if (this.#clients.take({ head, lines }, now)) break;
        this.#takeRelinked(view, { head, lines });
        break;
      case "epoch":
        this.#changeEpoch(view, head.epoch, head.start, lines);
        break;
      case "gone":
        this.#end(head.instruments);
        break;
      case "status":
        this.#announcements.takeStatus(view.name, head.status);
        break;
      case "drain":
        this.#announcements.drain(exchangeOf(view.name), head.within, now);
        break;
    }
  }

  #takeWanted(view: PartitionView, head: Extract<RelayHead, { op: "wanted" }>, lines: readonly ItemLine[]): void {
    if (head.epoch === null) this.#forget(view);
    else if (head.epoch !== view.epoch) this.#beginLog(view, head.epoch, head.through);
    if (!head.more) view.answered(head);
    // What a link has missed of a state while it was lost is made up for by its newest value.
    const newer = lines.filter((line) => !isTrade(line) && line.seq > this.#cache.seqOf(line.stream));
    for (const line of lines) this.#slot.keep(view, line);
    this.#slot.deliver([{ view, lines: newer }]);
    if (!head.more) this.#relinks.wanted(view, head.through);
  }

  /**
   * The feed has lost its memory, and no pusher is there that knows more. Those who have trades of it come back and have
   * everything else meanwhile; waiting for it here, whoever wants all exchanges would wait for one of them.
   */
  #forget(view: PartitionView): void {
    if (view.epoch === null) return;
    this.#dismiss(this.#audiences.tradersOf(view.name));
    this.#forgetEpoch(view);
    view.forget();
  }

  /** The log is known, or while the link was lost it has become another one. */
  #beginLog(view: PartitionView, epoch: string, through: Through): void {
    if (view.epoch !== null) this.#dismiss(this.#audiences.tradersOf(view.name));
    this.#forgetEpoch(view);
    this.#clients.becameKnown(view.name);
    view.begin(epoch, through);
    this.#positions.tell(view);
  }

  #takeRelinked(
    view: PartitionView,
    page: { head: Extract<RelayHead, { op: "replay" }>; lines: readonly ItemLine[] },
  ): void {
    const relinked = this.#relinks.take(view, page.head, page.lines);
    if (relinked === undefined) return;
    if (relinked.missed === undefined) {
      this.#dismiss(this.#audiences.tradersOf(view.name));
      view.skipTo(relinked.start);
    } else {
      // What was missed continues a position that not everyone has been told yet, and what comes behind it another one.
      this.#positions.tell(view);
      this.#slot.pass(view, relinked.missed);
      this.#slot.end();
      this.#positions.tell(view);
    }
    for (const live of relinked.live) this.#slot.pass(view, live);
  }

  #changeEpoch(view: PartitionView, epoch: string, start: number, lines: readonly ItemLine[]): void {
    // What the old log still owed can't be asked for any more.
    if (view.relinking) this.#dismiss(this.#audiences.tradersOf(view.name));
    this.#forgetEpoch(view);
    this.#clients.becameKnown(view.name);
    view.begin(epoch, everyRate(start));
    this.#positions.tell(view);
    this.#slot.deliver([{ view, lines }]);
    // Whoever comes now begins behind the gaps.
    view.skipTo(everyRate(Math.max(start, ...lines.map(({ seq }) => seq))));
  }

  /** What was known of the old log means nothing in the new one. */
  #forgetEpoch(view: PartitionView): void {
    this.#dismiss(this.#clients.lost(view.name));
    this.#cache.forget((_stream, partition) => partition === view.name);
    for (const { catchingUp } of this.#audiences.all) catchingUp?.floors.delete(view.name);
    this.#relinks.lost(view);
  }

  #end(instruments: readonly string[]): void {
    const gone = new Set(instruments);
    this.#announcements.end(instruments);
    this.#clients.ended(gone);
    this.#cache.forget((stream) => gone.has(stream.slice(0, stream.indexOf("@"))));
    this.#matcher.forget(gone);
  }

  /** What nobody wants is not kept: it would be told for new to whoever wants it again. */
  #forgetUnwanted(view: PartitionView): void {
    this.#cache.forget((stream, partition) => partition === view.name && !view.keeps(stream));
  }

  #dismiss(clients: readonly Client[]): void {
    for (const client of clients) this.#clients.dismiss(client);
  }
}
