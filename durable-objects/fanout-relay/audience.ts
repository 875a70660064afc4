/**
 * Clients that listen to just the same: what is due for one is due for all, so that a frame is joined once for all of them.
 * One that is catching up listens alone until it has everything (`catch-up.ts`).
 */

import { NO_EXCHANGE } from "../../protocol/edge-counts.ts";
import { ANY } from "../../protocol/pattern.ts";
import type { Rate } from "../../protocol/stream.ts";
import { SubscriptionIndex } from "../streams/subscription-index.ts";
import type { CatchingUp } from "./catching-up.ts";
import { type Markets, type Subscription, subscription } from "./markets.ts";
import { exchangeOf } from "./status-board.ts";

export class Audience<Client> {
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  readonly members = new Set<Client>();
  /** The rates of its trade streams, by partition: what its position there is made of. */
  readonly tradeRates: ReadonlyMap<string, ReadonlySet<Rate>>;
  readonly exchanges: ReadonlySet<string>;
  /** How many streams and wildcards it has, by exchange; those over all exchanges under `""`. */
  readonly streams: ReadonlyMap<string, number>;
  /** Of a client that listens alone. */
  readonly catchingUp: CatchingUp | undefined;

  constructor(subscriptions: ReadonlyMap<string, Subscription>, catchingUp?: CatchingUp) {
    this.subscriptions = subscriptions;
    this.catchingUp = catchingUp;
    const sources = [...subscriptions.values()].flatMap((one) => one.sources);
    this.exchanges = new Set(sources.map(({ partition }) => exchangeOf(partition)));
    const streams = new Map<string, number>();
    for (const name of subscriptions.keys()) {
      const exchange = name.startsWith(`${ANY}:`) ? NO_EXCHANGE : name.slice(0, name.indexOf(":"));
      streams.set(exchange, (streams.get(exchange) ?? 0) + 1);
    }
    this.streams = streams;
    const rates = new Map<string, Set<Rate>>();
    for (const { channel, rate, sources } of subscriptions.values()) {
      if (channel !== "trade") continue;
      for (const { partition } of sources) rates.set(partition, (rates.get(partition) ?? new Set()).add(rate));
    }
    this.tradeRates = rates;
  }
}

/** Every audience, and who of them listens to what. */
export class Audiences<Client extends object> {
  readonly #index = new SubscriptionIndex<string, Audience<Client>>();
  readonly #shared = new Map<string, Audience<Client>>();
  readonly #all = new Set<Audience<Client>>();
  readonly #alone = new Set<Audience<Client>>();
  readonly #of = new Map<Client, Audience<Client>>();
  /** Counts the changes of what is listened to by anyone. */
  #version = 0;

  get version(): number {
    return this.#version;
  }

  get all(): Iterable<Audience<Client>> {
    return this.#all;
  }

  /** Those of a client that catches up. */
  get alone(): Iterable<Audience<Client>> {
    return this.#alone;
  }

  /** How many streams and wildcards the clients have, each client's counted, by exchange as {@link Audience.streams}. */
  get streams(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const { members, streams } of this.#all) {
      for (const [exchange, count] of streams) all.set(exchange, (all.get(exchange) ?? 0) + count * members.size);
    }
    return all;
  }

  of(client: Client): Audience<Client> | undefined {
    return this.#of.get(client);
  }

  /** Clients with trade streams of a partition. */
  tradersOf(partition: string): Client[] {
    const audiences = [...this.#all].filter(({ tradeRates }) => tradeRates.has(partition));
    return audiences.flatMap(({ members }) => [...members]);
  }

  has(name: string): boolean {
    return this.#index.has(name);
  }

  listeners(name: string): ReadonlySet<Audience<Client>> {
    return this.#index.listeners(name);
  }

  /** Moves a client to those who listen to the same, or lets it listen alone. @param catchingUp makes it listen alone */
  move(client: Client, subscriptions: ReadonlyMap<string, Subscription>, catchingUp?: CatchingUp): void {
    const before = this.#of.get(client);
    const audience =
      catchingUp === undefined ? this.#sharedBy(subscriptions) : new Audience<Client>(subscriptions, catchingUp);
    audience.members.add(client);
    this.#of.set(client, audience);
    this.#enter(audience);
    if (before !== undefined && before !== audience) this.#leave(client, before);
  }

  remove(client: Client): void {
    const before = this.#of.get(client);
    this.#of.delete(client);
    if (before !== undefined) this.#leave(client, before);
  }

  #sharedBy(subscriptions: ReadonlyMap<string, Subscription>): Audience<Client> {
    return this.#shared.get(signature(subscriptions)) ?? new Audience<Client>(subscriptions);
  }

  #enter(audience: Audience<Client>): void {
    if (this.#all.has(audience)) return;
    this.#all.add(audience);
    if (audience.catchingUp === undefined) this.#shared.set(signature(audience.subscriptions), audience);
    else this.#alone.add(audience);
    for (const name of audience.subscriptions.keys()) {
      if (!this.#index.has(name)) this.#version += 1;
      this.#index.add(name, audience);
    }
  }

  #leave(client: Client, audience: Audience<Client>): void {
    audience.members.delete(client);
    if (audience.members.size > 0) return;
    this.#all.delete(audience);
    this.#alone.delete(audience);
    if (audience.catchingUp === undefined) this.#shared.delete(signature(audience.subscriptions));
    for (const name of audience.subscriptions.keys()) {
      this.#index.remove(name, audience);
      if (!this.#index.has(name)) this.#version += 1;
    }
  }
}

/** Members of audiences whose streams come from elsewhere than they did: new exchanges, or logs that are divided otherwise. */
export function outdated<Client>(audiences: Iterable<Audience<Client>>, markets: Markets): Client[] {
  const isOutdated = ({ name, sources }: Subscription) => {
    const now = subscription(name, markets).sources;
    return now.map(({ partition }) => partition).join() !== sources.map(({ partition }) => partition).join();
  };
  return [...audiences]
    .filter(({ subscriptions }) => [...subscriptions.values()].some(isOutdated))
    .flatMap(({ members }) => [...members]);
}

function signature(subscriptions: ReadonlyMap<string, Subscription>): string {
  return [...subscriptions.keys()].sort().join();
}
