/**
 * Requests to subscribe that can't be answered yet: a feed has still to say from where it sends what is wanted, or to send what
 * was missed. A client's requests are answered one after the other, each once.
 */

import { errorBody } from "../../protocol/errors.ts";
import type { FailedStream, RequestId } from "../../protocol/frames.ts";
import type { ItemLine, RelayHead } from "../../protocol/relay-frames.ts";
import type { Audience } from "./audience.ts";
import { positionOf } from "./audience-positions.ts";
import type { PartitionView } from "./partition-view.ts";
import type { Partitions } from "./partitions.ts";
import type { RelayPorts } from "./ports.ts";
import { claimOf, type ResumePlan, resumePlan, type Wanted } from "./resume-plan.ts";

/** A feed answers well within this, ms; a position ahead of it is waited for as long (PROTOCOL.md §5). */
const PATIENCE = 5000;
/** A feed that says each time that it is too late is asked so often. */
const ATTEMPTS = 3;
/** Clients that may be sent again what they missed at one time; the others wait: each holds pages of its own here. */
const RESUMES = 64;

type ReplayHead = Extract<RelayHead, { op: "replay" }>;

export interface Page {
  readonly head: ReplayHead;
  readonly lines: readonly ItemLine[];
}

/** How a request begins in one partition. */
export interface PartitionJoin {
  readonly view: PartitionView;
  readonly plan: ResumePlan;
  /** Positions before it were too old. */
  readonly oldest: number;
  readonly attempts: number;
  /** The request for what was missed, and its first page. */
  readonly request: number | undefined;
  readonly page: Page | undefined;
}

export interface JoinRequest<Client> {
  readonly client: Client;
  readonly id: RequestId | undefined;
  readonly wanted: readonly Wanted[];
  readonly failed: readonly FailedStream[];
  readonly from: Readonly<Record<string, number>>;
  /** The client can't ask again (`unattended.ts`). */
  readonly unattended: boolean | undefined;
}

/** A request whose time has come. */
export interface ReadyJoin<Client> extends JoinRequest<Client> {
  readonly partitions: readonly PartitionJoin[];
}

interface Waiting<Client> {
  request: JoinRequest<Client>;
  deadline: number;
  /** By partition, once all feeds have said from where they send. */
  partitions: Map<string, PartitionJoin> | undefined;
  /** So many others are being sent what they missed that its turn has not come. */
  postponed: boolean;
}

export interface JoinParts<Client> {
  readonly partitions: Partitions;
  readonly ports: Pick<RelayPorts<Client>, "request">;
  readonly audienceOf: (client: Client) => Pick<Audience<never>, "tradeRates" | "catchingUp"> | undefined;
  readonly hasSnapshot: (stream: string) => boolean;
  /** How many clients are being sent what they missed, or are not as far as the others yet. */
  readonly recovering: () => number;
  readonly onReady: (join: ReadyJoin<Client>) => void;
  /** These streams of a request are not subscribed after all. */
  readonly onFailed: (client: Client, wanted: readonly Wanted[]) => void;
}

export class Joins<Client extends object> {
  readonly #parts: JoinParts<Client>;
  readonly #waiting = new Set<Waiting<Client>>();
  readonly #requests = new Map<number, Waiting<Client>>();
  /** How many more may ask for what they missed. */
  #room = RESUMES;

  constructor(parts: JoinParts<Client>) {
    this.#parts = parts;
  }

  /** How many requests wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Answers as soon as possible. @param now ms */
  enter(request: JoinRequest<Client>, now: number): void {
    const waiting = { request, deadline: now + PATIENCE, partitions: undefined, postponed: false };
    this.#waiting.add(waiting);
    this.#room = this.#countRoom();
    this.#look(waiting, now);
  }

  /** Looks again at every request. @param now ms */
  settle(now: number): void {
    this.#room = this.#countRoom();
    for (const waiting of [...this.#waiting]) this.#look(waiting, now);
  }

  /** The client has gone. */
  remove(client: Client): void {
    for (const waiting of [...this.#waiting]) if (waiting.request.client === client) this.#end(waiting);
  }

  /** The link to a partition is lost, or another log of it is known: where its streams begin has to be found out again. */
  lost(partition: string): void {
    for (const waiting of this.#waiting) {
      if (waiting.request.wanted.some((one) => isOf(one, partition))) this.#forgetRequests(waiting);
    }
  }

  /** @returns whether the page was for a request here */
  take(page: Page, now: number): boolean {
    const waiting = this.#requests.get(page.head.id);
    if (waiting === undefined) return false;
    this.#requests.delete(page.head.id);
    for (const [name, join] of waiting.partitions ?? []) {
      if (join.request === page.head.id) this.#takePage(waiting, name, join, page, now);
    }
    this.#look(waiting, now);
    return true;
  }

  #takePage(waiting: Waiting<Client>, name: string, join: PartitionJoin, page: Page, now: number): void {
    if (page.head.recovered === true) {
      waiting.partitions?.set(name, { ...join, page });
      return;
    }
    const attempts = join.attempts + 1;
    const oldest = Math.max(join.oldest, page.head.oldest);
    const again = this.#planOf(waiting, join.view, oldest, true)?.again.subscriptions ?? [];
    if (attempts >= ATTEMPTS && again.length > 0) {
      // What the client has been sent of other streams is too old itself to go on from: nothing can join it.
      this.#fail(
        waiting,
        waiting.request.wanted.filter(({ subscription }) => again.includes(subscription.name)),
      );
      this.#plan(waiting, now);
      return;
    }
    const next = this.#joinOf(waiting, join.view, oldest, attempts, true);
    if (next === undefined) waiting.partitions?.delete(name);
    else waiting.partitions?.set(name, next);
  }

  #look(waiting: Waiting<Client>, now: number): void {
    if (!this.#waiting.has(waiting) || (waiting.postponed && this.#room <= 0)) return;
    const late = waiting.request.wanted.filter((one) => !this.#isReady(waiting, one));
    if (late.length > 0 && now < waiting.deadline) return;
    if (late.length > 0) this.#fail(waiting, late);
    if (waiting.partitions === undefined && !this.#plan(waiting, now)) return;
    const open = [...(waiting.partitions ?? new Map<string, PartitionJoin>()).values()].filter(
      ({ request, page }) => request !== undefined && page === undefined,
    );
    if (open.length > 0 && now < waiting.deadline) return;
    if (open.length > 0) {
      this.#fail(
        waiting,
        waiting.request.wanted.filter((one) => open.some(({ view }) => isOf(one, view.name))),
      );
      this.#plan(waiting, now);
      this.#look(waiting, now);
      return;
    }
    const partitions = [...(waiting.partitions?.values() ?? [])];
    this.#end(waiting);
    this.#parts.onReady({ ...waiting.request, partitions });
  }

  /** Whether the feeds of a stream have said from where they send it, and have got as far as the client has. */
  #isReady({ request, partitions }: Waiting<Client>, wanted: Wanted): boolean {
    if (partitions !== undefined) return true;
    return wanted.subscription.sources.every(({ partition, name }) => {
      const view = this.#parts.partitions.get(partition);
      if (view === undefined || !view.isReady([name])) return false;
      const claim = view.epoch === null ? undefined : claimOf(wanted, view.epoch, request.from);
      return claim === undefined || claim <= view.received.raw;
    });
  }

  /** @returns false where so many others are resuming that this one has to wait */
  #plan(waiting: Waiting<Client>, now: number): boolean {
    this.#forgetRequests(waiting);
    waiting.deadline = now + PATIENCE;
    const views = this.#viewsOf(waiting.request);
    const first = views.map((view) => this.#planOf(waiting, view, 0, false));
    const later = first.some((plan) => plan !== undefined && plan.again.names.length > 0);
    waiting.postponed = later && this.#room <= 0;
    if (waiting.postponed) return false;
    if (later) this.#room -= 1;
    waiting.partitions = new Map();
    for (const view of views) {
      const join = this.#joinOf(waiting, view, 0, 0, later);
      if (join !== undefined) waiting.partitions.set(view.name, join);
    }
    return true;
  }

  #countRoom(): number {
    let asking = 0;
    for (const { partitions } of this.#waiting) if (partitions !== undefined && partitions.size > 0) asking += 1;
    return RESUMES - asking - this.#parts.recovering();
  }

  #joinOf(
    waiting: Waiting<Client>,
    view: PartitionView,
    oldest: number,
    attempts: number,
    later: boolean,
  ): PartitionJoin | undefined {
    const plan = this.#planOf(waiting, view, oldest, later);
    if (plan === undefined) return undefined;
    const request = plan.again.names.length === 0 ? undefined : this.#request(waiting, view, plan);
    return { view, plan, oldest, attempts, request, page: undefined };
  }

  #planOf({ request }: Waiting<Client>, view: PartitionView, oldest: number, later: boolean): ResumePlan | undefined {
    const audience = this.#parts.audienceOf(request.client);
    const existing = audience && positionOf(audience, view);
    const { hasSnapshot } = this.#parts;
    return resumePlan(view, request.wanted, request.from, existing, { oldest, later, hasSnapshot });
  }

  #request(waiting: Waiting<Client>, view: PartitionView, { told, again }: ResumePlan): number {
    const id = this.#parts.partitions.nextRequest();
    this.#requests.set(id, waiting);
    const streams = [...again.names];
    this.#parts.ports.request(view.name, { op: "replay", id, epoch: view.epoch ?? "", from: told, streams });
    return id;
  }

  #viewsOf({ wanted }: JoinRequest<Client>): PartitionView[] {
    const names = new Set(wanted.flatMap(({ subscription }) => subscription.sources.map(({ partition }) => partition)));
    return [...names].flatMap((name) => this.#parts.partitions.get(name) ?? []);
  }

  #fail(waiting: Waiting<Client>, late: readonly Wanted[]): void {
    const { request } = waiting;
    const error = errorBody("restarting", "the feed of this stream is not there yet, or has not caught up: try again");
    const failed = late.flatMap(({ requested }) => requested.map((name) => ({ requested: name, error })));
    const wanted = request.wanted.filter((one) => !late.includes(one));
    waiting.request = { ...request, wanted, failed: [...request.failed, ...failed] };
    this.#parts.onFailed(request.client, late);
  }

  #forgetRequests(waiting: Waiting<Client>): void {
    for (const { view, request, page } of waiting.partitions?.values() ?? []) {
      if (request === undefined || page !== undefined) continue;
      this.#requests.delete(request);
      if (view.connected) this.#parts.ports.request(view.name, { op: "cancel", id: request });
    }
    waiting.partitions = undefined;
  }

  #end(waiting: Waiting<Client>): void {
    this.#forgetRequests(waiting);
    this.#waiting.delete(waiting);
  }
}

function isOf({ subscription }: Wanted, partition: string): boolean {
  return subscription.sources.some((source) => source.partition === partition);
}
