/** The clients of a relay and what they ask for: subscribes and unsubscribes, each answered once, in the order they came. */

import { ProtocolError } from "../../protocol/errors.ts";
import type { RequestId, WantedStream } from "../../protocol/frames.ts";
import type { Audiences } from "./audience.ts";
import { allPositionsOf, positionOf } from "./audience-positions.ts";
import { CatchingUp, type Recovery } from "./catching-up.ts";
import { firstSnapshots } from "./first-snapshots.ts";
import type { Page } from "./joins.ts";
import { Joins, type PartitionJoin, type ReadyJoin } from "./joins.ts";
import { type Markets, type Subscription, sourcesOf, subscription, tradeRatesOf } from "./markets.ts";
import { ControlFrame } from "./outgoing-frames.ts";
import type { Partitions } from "./partitions.ts";
import type { RelayPorts } from "./ports.ts";
import { framesOf, Recoveries } from "./recoveries.ts";
import { RequestQueue } from "./request-queue.ts";
import { readStreams, type StreamLimits } from "./requested-streams.ts";
import { type ResumePlan, resumePlan, type Wanted } from "./resume-plan.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";
import { exchangeOf } from "./status-board.ts";
import type { StreamMatcher } from "./stream-matcher.ts";
import { outcomeOf, subscribedFrame } from "./subscribed-frame.ts";
import { mustComeBack, Retries } from "./unattended.ts";
import { UnresolvedPositions } from "./unresolved-positions.ts";

export interface ClientParts<Client extends object> {
  readonly audiences: Audiences<Client>;
  readonly matcher: StreamMatcher;
  readonly partitions: Partitions;
  readonly cache: SnapshotCache;
  readonly markets: () => Markets;
  readonly limits: StreamLimits;
  readonly ports: RelayPorts<Client>;
  /** The frame that says how an exchange is; undefined where that is not known. */
  readonly statusOf: (exchange: string) => ControlFrame | undefined;
}

/** `id` is the client's own; streams given in its URL have none. */
export interface SubscribeRequest {
  readonly id?: RequestId | undefined;
  readonly streams: readonly WantedStream[];
  /** Positions to resume from, by epoch. */
  readonly from?: Readonly<Record<string, number>> | undefined;
  /** The client can't ask again for what fails. */
  readonly unattended?: boolean | undefined;
}
export interface UnsubscribeRequest {
  readonly id?: RequestId | undefined;
  readonly streams: readonly string[];
}

const RESTARTING = "this connection can't go on without a hole: reconnect and resume";
const NOTHING: ReadonlyMap<string, Subscription> = new Map();

export class RelayClients<Client extends object> {
  readonly #parts: ClientParts<Client>;
  readonly #queue = new RequestQueue<Client>();
  readonly #joins: Joins<Client>;
  readonly #recoveries: Recoveries<Client>;
  readonly #retries = new Retries<Client>();
  readonly #unresolved: UnresolvedPositions<Client>;
  /** What a client's unanswered request holds of the partitions. */
  readonly #acquired = new Map<Client, Set<Subscription>>();

  constructor(parts: ClientParts<Client>) {
    this.#parts = parts;
    const { audiences, partitions, ports } = parts;
    this.#unresolved = new UnresolvedPositions(partitions);
    this.#joins = new Joins({
      partitions,
      ports,
      audienceOf: (client) => audiences.of(client),
      hasSnapshot: (stream) => parts.cache.has(stream),
      onReady: (join) => this.#answer(join),
      onFailed: (client, wanted) => this.#release(client, wanted),
      recovering: () => this.#recoveries.size,
    });
    this.#recoveries = new Recoveries({
      audiences,
      partitions,
      ports,
      onDone: (client) => this.#recovered(client),
      onBroken: (client) => this.dismiss(client),
    });
  }

  /** @param now ms */
  subscribe(client: Client, { id, streams, from = {}, unattended }: SubscribeRequest, now: number): void {
    this.#queue.enter(client, () => {
      const { markets, limits, partitions } = this.#parts;
      const { wanted, failed } = readStreams(streams, this.#subscriptionsOf(client), markets(), limits);
      const acquired = wanted.filter(({ had }) => !had).map((one) => one.subscription);
      this.#acquired.set(client, new Set(acquired));
      partitions.want(sourcesOf(acquired));
      this.#joins.enter({ client, id, wanted, failed, from, unattended }, now);
    });
  }

  unsubscribe(client: Client, { id, streams }: UnsubscribeRequest): void {
    this.#queue.enter(client, () => {
      const before = this.#subscriptionsOf(client);
      const gone = new Set(streams.map((name) => this.#canonical(name)).filter((name) => before.has(name)));
      this.#place(client, new Map([...before].filter(([name]) => !gone.has(name))));
      this.#parts.partitions.drop(sourcesOf([...before.values()].filter(({ name }) => gone.has(name))));
      const answer = new ControlFrame({ op: "unsubscribed", ...(id === undefined ? {} : { id }), streams: [...gone] });
      this.#parts.ports.sendAtOnce(client, [answer]);
      this.#queue.done(client);
    });
  }

  /** Requests of a client that wait for an earlier one. */
  waiting(client: Client): number {
    return this.#queue.waiting(client);
  }

  /** Forgets a client that has gone. */
  remove(client: Client): void {
    const held = [...this.#subscriptionsOf(client).values(), ...(this.#acquired.get(client) ?? [])];
    this.#joins.remove(client);
    this.#recoveries.remove(client);
    this.#queue.remove(client);
    this.#retries.remove(client);
    this.#acquired.delete(client);
    this.#unresolved.remove(client);
    this.#parts.audiences.remove(client);
    this.#parts.partitions.drop(sourcesOf(held));
  }

  /** Sends away a client that can't go on without a hole. */
  dismiss(client: Client): void {
    this.remove(client);
    this.#parts.ports.close(client, new ProtocolError("restarting", RESTARTING));
  }

  /** The log of a partition is known: whoever may have named a position in it before has to come back with it. */
  becameKnown(partition: string): void {
    for (const client of this.#unresolved.of(partition)) this.dismiss(client);
  }

  /** Looks again at requests that wait. @param now ms */
  settle(now: number): void {
    this.#recoveries.settle();
    this.#joins.settle(now);
    for (const { client, streams } of this.#retries.due(now))
      this.subscribe(client, { streams, unattended: true }, now);
  }

  /** A page of what was missed. @returns whether anyone here waits for it */
  take(page: Page, now: number): boolean {
    return this.#joins.take(page, now) || this.#recoveries.take(page);
  }

  /** What was asked of a partition will not be answered any more. @returns clients that can't go on */
  lost(partition: string): Client[] {
    this.#joins.lost(partition);
    return this.#recoveries.broken(partition);
  }

  /** Lets those that listened alone for a slow rate's sake listen with the others, once it has come so far. */
  rejoin(): void {
    for (const { catchingUp, members, subscriptions } of [...this.#parts.audiences.alone]) {
      if (catchingUp?.recoveries.size === 0) for (const client of members) this.#place(client, subscriptions);
    }
  }

  /** Instruments have left: whoever had one of their streams by name has it no longer. */
  ended(instruments: ReadonlySet<string>): void {
    for (const { members, subscriptions } of [...this.#parts.audiences.all]) {
      const gone = [...subscriptions.values()].filter(({ name }) => instruments.has(name.slice(0, name.indexOf("@"))));
      if (gone.length === 0) continue;
      const left = new Map([...subscriptions].filter(([, one]) => !gone.includes(one)));
      for (const client of [...members]) {
        this.#place(client, left);
        this.#parts.partitions.drop(sourcesOf(gone));
      }
    }
  }

  #subscriptionsOf(client: Client): ReadonlyMap<string, Subscription> {
    return this.#parts.audiences.of(client)?.subscriptions ?? NOTHING;
  }

  #canonical(name: string): string {
    try {
      return subscription(name, this.#parts.markets()).name;
    } catch (error) {
      // A name that is no stream was not subscribed either.
      if (error instanceof ProtocolError) return name;
      throw error;
    }
  }

  #release(client: Client, wanted: readonly Wanted[]): void {
    const acquired = this.#acquired.get(client);
    const failed = wanted.map((one) => one.subscription).filter((one) => acquired?.delete(one));
    this.#parts.partitions.drop(sourcesOf(failed));
  }

  #answer(join: ReadyJoin<Client>): void {
    const { client, wanted } = join;
    const before = this.#parts.audiences.of(client);
    if (mustComeBack(join, this.#subscriptionsOf(client).size > 0)) {
      this.dismiss(client);
      return;
    }
    this.#retries.answered(join);
    const had = (name: string) => before?.subscriptions.has(name) === true;
    const catchingUp = new CatchingUp();
    for (const [partition, floor] of before?.catchingUp?.floors ?? []) catchingUp.floors.set(partition, floor);
    const told = new Map<string, number>();
    for (const one of join.partitions) {
      const plan = this.#planNow(join, one);
      if (plan === undefined || one.view.epoch === null) continue;
      told.set(one.view.epoch, plan.told);
      if (one.page === undefined) catchingUp.floors.set(one.view.name, plan.told);
      else catchingUp.recoveries.set(one.view.name, this.#recovery(join, one));
    }
    const claims = this.#unresolved.answered(client, join, told);
    if (join.unattended === true) for (const [epoch, seq] of claims) catchingUp.claims.set(epoch, seq);
    const subscriptions = new Map([
      ...this.#subscriptionsOf(client),
      ...wanted.map((one) => [one.subscription.name, one.subscription] as const),
    ]);
    this.#acquired.delete(client);
    this.#place(client, subscriptions, catchingUp);
    const snapshots = firstSnapshots(join, had, this.#parts);
    const answer = subscribedFrame(join, told, this.#parts.cache, this.#parts.partitions);
    const { audiences, partitions } = this.#parts;
    const all = () => allPositionsOf(audiences.of(client), partitions, Object.fromEntries(told));
    this.#parts.ports.sendAtOnce(client, [new ControlFrame(answer, all), ...framesOf(snapshots, {}, all)]);
    this.#sendStatus(client, wanted);
    this.#countOutcomes(join);
    for (const { view, page } of join.partitions) if (page !== undefined) this.#recoveries.send(client, view, page);
    if (catchingUp.recoveries.size === 0 && !join.partitions.some(({ page }) => page !== undefined))
      this.#queue.done(client);
  }

  #countOutcomes(join: ReadyJoin<Client>): void {
    const { partitions, ports } = this.#parts;
    for (const one of join.wanted) {
      for (const { partition } of one.subscription.sources) {
        const view = partitions.get(partition);
        if (view !== undefined) ports.resumed(view.exchange, outcomeOf(join, one, view));
      }
    }
  }

  #sendStatus(client: Client, wanted: readonly Wanted[]): void {
    const sources = wanted.flatMap(({ subscription }) => subscription.sources);
    const exchanges = new Set(sources.map(({ partition }) => exchangeOf(partition)));
    const frames = [...exchanges].flatMap((exchange) => this.#parts.statusOf(exchange) ?? []);
    if (frames.length > 0) this.#parts.ports.sendAtOnce(client, frames);
  }

  /** What joins without a page joins now: where things stand has moved on while another partition was waited for. */
  #planNow(
    { client, wanted, from }: ReadyJoin<Client>,
    { view, plan, page, oldest }: PartitionJoin,
  ): ResumePlan | undefined {
    if (page !== undefined) return plan;
    const audience = this.#parts.audiences.of(client);
    const hasSnapshot = (stream: string) => this.#parts.cache.has(stream);
    return resumePlan(view, wanted, from, audience && positionOf(audience, view), { oldest, hasSnapshot });
  }

  #recovery({ wanted }: ReadyJoin<Client>, { view, plan }: PartitionJoin): Recovery {
    const own = wanted.filter(({ from }) => from !== undefined && from.epoch === view.epoch);
    return {
      subscriptions: new Set(plan.again.subscriptions),
      told: plan.told,
      own: new Map(own.map(({ subscription, from }) => [subscription.name, from?.seq ?? 0])),
      held: [],
    };
  }

  #recovered(client: Client): void {
    this.#place(client, this.#subscriptionsOf(client));
    this.#queue.done(client);
  }

  /** Puts a client among those who listen to the same, or alone where it does not have everything that they have. */
  #place(
    client: Client,
    subscriptions: ReadonlyMap<string, Subscription>,
    catchingUp = this.#parts.audiences.of(client)?.catchingUp,
  ): void {
    const { audiences, partitions } = this.#parts;
    for (const [partition, floor] of catchingUp?.floors ?? []) {
      const view = partitions.get(partition);
      const rates = tradeRatesOf(subscriptions, partition);
      const passed = view === undefined || rates.size === 0 || view.sentAt(rates) >= floor;
      if (passed && !catchingUp?.recoveries.has(partition)) catchingUp?.floors.delete(partition);
    }
    audiences.move(client, subscriptions, catchingUp?.isDone === false ? catchingUp : undefined);
  }
}
