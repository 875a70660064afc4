/** Sends clients what they missed, page after page, and then lets them go on live, exactly behind it. */

import type { ItemLine } from "../../protocol/relay-frames.ts";
import type { Rate } from "../../protocol/stream.ts";
import type { Audience, Audiences } from "./audience.ts";
import { allPositionsOf } from "./audience-positions.ts";
import type { CatchingUp, Recovery } from "./catching-up.ts";
import type { Page } from "./joins.ts";
import type { Subscription } from "./markets.ts";
import { type AllPositions, countItems, DataFrame, type PositionsByEpoch } from "./outgoing-frames.ts";
import type { PartitionView } from "./partition-view.ts";
import type { Partitions } from "./partitions.ts";
import type { RelayPorts } from "./ports.ts";

/** Items in one frame. */
export const FRAME_ITEMS = 1000;
/** Characters of live items that may wait behind what a client is sent again: one that takes so long has to begin anew. */
const HELD = 4 * 1024 * 1024;
const NO_POSITIONS: PositionsByEpoch = {};

export interface RecoveryParts<Client extends object> {
  readonly audiences: Audiences<Client>;
  readonly partitions: Partitions;
  readonly ports: Pick<RelayPorts<Client>, "sendAtOnce" | "hasRoom" | "request">;
  /** A client has everything. */
  readonly onDone: (client: Client) => void;
  /** What a client still lacks can't be had any more. */
  readonly onBroken: (client: Client) => void;
}

interface PageRequest<Client> {
  readonly client: Client;
  readonly view: PartitionView;
}

export class Recoveries<Client extends object> {
  readonly #parts: RecoveryParts<Client>;
  /** Pages that are on their way, by request. */
  readonly #requests = new Map<number, PageRequest<Client>>();
  /** Pages that are not asked for before the client has taken the last one. */
  readonly #paused = new Map<number, PageRequest<Client>>();

  constructor(parts: RecoveryParts<Client>) {
    this.#parts = parts;
  }

  /** Pages that clients still wait for, or have not taken. */
  get size(): number {
    return this.#requests.size + this.#paused.size;
  }

  /** @returns whether the page was for a client that still recovers */
  take(page: Page): boolean {
    const request = this.#requests.get(page.head.id);
    if (request === undefined) return false;
    this.#requests.delete(page.head.id);
    if (page.head.recovered === true) this.send(request.client, request.view, page);
    else this.#parts.onBroken(request.client);
    return true;
  }

  /** Sends a page, and asks for the next one or ends the recovery of the partition. */
  send(client: Client, view: PartitionView, { head, lines }: Page): void {
    const catchingUp = this.#parts.audiences.of(client)?.catchingUp;
    const recovery = catchingUp?.recoveries.get(view.name);
    if (catchingUp === undefined || recovery === undefined) return;
    const fresh = lines.filter((line) => !isKnown(recovery, line));
    // A last page that had to wait for those of other partitions is none any more.
    if (head.more || view.received.raw > head.through) {
      this.#parts.ports.sendAtOnce(client, framesOf(fresh, NO_POSITIONS));
      this.#paused.set(head.id, { client, view });
      this.#askFor(head.id);
      return;
    }
    this.#parts.ports.request(view.name, { op: "cancel", id: head.id });
    catchingUp.recoveries.delete(view.name);
    this.#goLive(client, view, catchingUp, recovery, { head, lines: fresh });
    if (catchingUp.recoveries.size === 0) this.#parts.onDone(client);
  }

  /** Asks for the pages of those who have taken the last one; lets go of those behind whom too much waits. */
  settle(): void {
    for (const id of [...this.#paused.keys()]) this.#askFor(id);
    for (const { catchingUp, members } of [...this.#parts.audiences.alone]) {
      const held = [...(catchingUp?.recoveries.values() ?? [])].flatMap((recovery) => recovery.held);
      const size = held.reduce((sum, { text }) => sum + text.length, 0);
      if (size > HELD) for (const client of [...members]) this.#parts.onBroken(client);
    }
  }

  /** Those whose recovery of the partition can't go on. */
  broken(partition: string): Client[] {
    const broken = new Set<Client>();
    for (const { catchingUp, members } of this.#parts.audiences.all) {
      if (catchingUp?.recoveries.has(partition)) for (const client of members) broken.add(client);
    }
    return [...broken];
  }

  remove(client: Client): void {
    for (const [id, { client: other, view }] of [...this.#requests, ...this.#paused]) {
      if (other !== client) continue;
      this.#requests.delete(id);
      this.#paused.delete(id);
      if (view.connected) this.#parts.ports.request(view.name, { op: "cancel", id });
    }
  }

  #askFor(id: number): void {
    const request = this.#paused.get(id);
    if (request === undefined || !this.#parts.ports.hasRoom(request.client)) return;
    this.#paused.delete(id);
    this.#requests.set(id, request);
    this.#parts.ports.request(request.view.name, { op: "next", id });
  }

  /**
   * The last page covers everything that the feed has sent at any rate. A position is told before what was held: an item may
   * name one that the client has not seen, but that the position covers.
   */
  #goLive(
    client: Client,
    view: PartitionView,
    catchingUp: CatchingUp,
    recovery: Recovery,
    { head, lines }: Page,
  ): void {
    const { epoch } = view;
    if (epoch === null) return;
    const { held, subscriptions, told } = recovery;
    const rates = ratesBeside(subscriptions, this.#parts.audiences.of(client), view);
    const floor = Math.max(told, catchingUp.floors.get(view.name) ?? 0);
    const position = rates.size === 0 ? head.through : Math.min(head.through, Math.max(floor, view.sentAt(rates)));
    catchingUp.floors.set(view.name, position);
    const before = Math.min(position, ...held.map(({ first }) => first - 1));
    const frames = this.#framesTo(client, lines, { [epoch]: Math.max(told, before) });
    if (held.length > 0) frames.push(...this.#framesTo(client, held, { [epoch]: position }));
    this.#parts.ports.sendAtOnce(client, frames);
  }

  /** What is told of the partition is told of no more than these frames and those before them. */
  #framesTo(client: Client, lines: readonly ItemLine[], positions: PositionsByEpoch): DataFrame[] {
    const { audiences, partitions } = this.#parts;
    return framesOf(lines, positions, () => allPositionsOf(audiences.of(client), partitions, positions));
  }
}

/** What the client has, by its own word: a position of its own for a stream. */
function isKnown({ own }: Recovery, { stream, seq }: ItemLine): boolean {
  return seq <= (own.get(stream) ?? 0);
}

/** The rates of a client's other trade streams of the partition. */
function ratesBeside(
  subscriptions: ReadonlySet<string>,
  audience: Pick<Audience<never>, "subscriptions"> | undefined,
  view: PartitionView,
): Set<Rate> {
  const others = [...(audience?.subscriptions.values() ?? [])].filter((one) => isTradeOf(one, view));
  return new Set(others.filter(({ name }) => !subscriptions.has(name)).map(({ rate }) => rate));
}

function isTradeOf({ channel, sources }: Subscription, view: PartitionView): boolean {
  return channel === "trade" && sources.some(({ partition }) => partition === view.name);
}

/**
 * Frames of items, the positions with the last one; at least one frame where there are positions.
 *
 * @param all of the connection once the last one has been sent
 */
export function framesOf(
  lines: readonly Pick<ItemLine, "stream" | "text">[],
  positions: PositionsByEpoch,
  all: AllPositions = () => positions,
): DataFrame[] {
  const frames: DataFrame[] = [];
  const silent = Object.keys(positions).length === 0;
  for (let i = 0; i < lines.length || (frames.length === 0 && !silent); i += FRAME_ITEMS) {
    const part = lines.slice(i, i + FRAME_ITEMS);
    const texts = part.map(({ text }) => text);
    const isLast = i + FRAME_ITEMS >= lines.length;
    const told = isLast ? positions : NO_POSITIONS;
    frames.push(new DataFrame(texts, countItems(part), told, isLast ? all : () => NO_POSITIONS));
  }
  return frames;
}
