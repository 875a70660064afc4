/**
 * What relays ask to be sent again. The pusher sends its pages as fast as they go, a relay takes them at its own pace: what lies
 * between is held here, within bounds, and what does not fit is asked for once more. A replay ends exactly where the feed is.
 */

import type { ResumeOutcome } from "../../protocol/edge-counts.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import type { ReplayedEvents, ReplayRequest } from "../../protocol/partition-frames.ts";
import { isPattern, parseStreamOrPattern } from "../../protocol/pattern.ts";
import type { Position } from "../../protocol/position.ts";
import type { RelayHead, RelayRequest } from "../../protocol/relay-frames.ts";
import { parseStream } from "../../protocol/stream.ts";
import { linePages } from "./line-pages.ts";
import type { RelayLink } from "./relay-links.ts";
import type { LineContext } from "./relay-streams.ts";
import { Replay } from "./replay.ts";

/** Replays that are being read or hold pages. Of each, characters that are held: together 32 MiB. */
const RUNNING = 8;
const HELD = 4 * 1024 * 1024;

type ReplayHead = Extract<RelayHead, { op: "replay" }>;

interface Page {
  /** Everything up to there has been told once this page is. */
  readonly through: number;
  readonly lines: readonly string[];
}

interface Session {
  readonly link: RelayLink;
  readonly id: number;
  readonly epoch: string;
  readonly from: number;
  readonly replay: Replay;
  /** Null for all of the partition. */
  readonly instruments: readonly string[] | null;
  /** Pages that the relay has not asked for yet, and their size. */
  readonly pages: Page[];
  held: number;
  /** Everything up to there has been made into pages. */
  reached: number;
  /** What the pusher was asked. */
  request: string | undefined;
  /** What else comes of the present answer is not taken, and asked for once more: something before it was left out. */
  isFull: boolean;
  /** The relay waits for a page. */
  isAwaited: boolean;
  /** The relay has been sent a page. */
  isBegun: boolean;
}

export interface ReplayParts {
  readonly position: () => Position | null;
  readonly connected: () => boolean;
  readonly request: (request: Omit<ReplayRequest, "op">) => void;
  readonly send: (link: RelayLink, head: ReplayHead, lines: readonly string[]) => void;
  readonly close: (link: RelayLink, error: ProtocolError) => void;
  readonly context: () => LineContext;
  /** Hears how each replay goes. */
  readonly resumed: (outcome: ResumeOutcome) => void;
}

export class ReplaySessions {
  readonly #parts: ReplayParts;
  readonly #sessions = new Set<Session>();
  /** Answers of the pusher that have not come to their end; undefined where nobody wants the rest any more. */
  readonly #answers = new Map<string, Session | undefined>();
  /** Those that have to wait until others are through, or for a pusher. */
  readonly #queue = new Set<Session>();
  #requests = 0;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /** @throws {ProtocolError} where a name is no stream */
  start(link: RelayLink, { id, epoch, from, streams }: Extract<RelayRequest, { op: "replay" }>): void {
    const instruments = instrumentsOf(streams);
    this.cancel(link, id);
    const session: Session = {
      ...{ link, id, epoch, from, replay: new Replay(epoch, streams, from), instruments },
      ...{ pages: [], held: 0, reached: from, request: undefined, isFull: false, isAwaited: true, isBegun: false },
    };
    this.#sessions.add(session);
    this.#serve(session);
  }

  /** The relay asks for the next page. */
  next(link: RelayLink, id: number): void {
    const session = this.#find(link, id);
    if (session === undefined) return;
    session.isAwaited = true;
    this.#serve(session);
  }

  cancel(link: RelayLink, id: number): void {
    const session = this.#find(link, id);
    if (session !== undefined) this.#end(session);
  }

  /** A link is gone. */
  leave(link: RelayLink): void {
    for (const session of [...this.#sessions]) if (session.link === link) this.#end(session);
  }

  /** Another log has begun: relays ask for nothing of the one before. */
  endOthers(epoch: string): void {
    for (const session of [...this.#sessions]) if (session.epoch !== epoch) this.#end(session);
  }

  /** Something has become known, or a pusher has come. */
  resume(): void {
    for (const session of [...this.#queue]) {
      if (!this.#queue.delete(session)) continue;
      this.#serve(session);
    }
  }

  /** The pusher has left: what it was asked for does not come, and those who wait for it have to begin anew. */
  publisherGone(): void {
    const broken = new Set([...this.#answers.values()].flatMap((session) => session?.link ?? []));
    this.#answers.clear();
    const error = new ProtocolError("restarting", "the pusher has left in the middle of a replay");
    for (const link of broken) this.#parts.close(link, error);
  }

  /** A page of the pusher's ring. */
  take({ id, epoch, from, through, events, more, complete }: ReplayedEvents): void {
    const session = this.#answers.get(id);
    if (!more) this.#answers.delete(id);
    if (session !== undefined) {
      if (!more) session.request = undefined;
      if (!complete || epoch !== session.epoch) this.#fail(session, id, from);
      else this.#takePage(session, events, through, more);
      if (this.#sessions.has(session)) this.#serve(session);
    }
    if (!more) this.resume();
  }

  #takePage(session: Session, events: readonly LoggedEvent[], through: number, more: boolean): void {
    // Of a hole that is being filled the batches are still to come.
    const present = this.#parts.position()?.seq ?? 0;
    const reached = Math.max(session.reached, Math.min(through, present));
    if (session.isFull) return;
    if (session.held >= HELD) {
      session.isFull = true;
      return;
    }
    const known = events.filter(({ seq }) => seq <= reached);
    const lines = session.replay.page(known, this.#parts.context());
    const before = session.reached;
    session.reached = reached;
    // The rest of this page was left out: what comes behind it must not be taken, even if the feed has caught up by then.
    if (through > reached) session.isFull = true;
    if (lines.length === 0 && more) return;
    const parts = linePages(lines);
    for (const [i, part] of parts.entries()) {
      // The lines of a page stand by instrument: only all of them together reach anywhere.
      session.pages.push({ through: i < parts.length - 1 ? before : reached, lines: part });
      session.held += part.reduce((size, { length }) => size + length, 0);
    }
  }

  /** @param from where the ring begins, if that is why */
  #fail(session: Session, answer: string, from: number): void {
    session.request = undefined;
    if (this.#answers.has(answer)) this.#answers.set(answer, undefined);
    // What is held comes first; then the same is found out once more.
    if (session.pages.length > 0 || !session.isAwaited) return;
    const isOld = from > session.reached;
    this.#refuse(session, isOld ? "too_old" : "epoch_changed", isOld ? from : session.from);
  }

  #serve(session: Session): void {
    if (!session.isAwaited) return;
    const position = this.#parts.position();
    if (position === null) {
      this.#queue.add(session);
      return;
    }
    if (position.epoch !== session.epoch) {
      this.#refuse(session, "epoch_changed", session.from);
      return;
    }
    const page = session.pages.shift();
    if (page !== undefined) {
      this.#send(session, page, position);
      if (session.pages.length === 0) this.resume();
    } else if (session.request !== undefined) return;
    else if (session.reached >= position.seq) this.#send(session, { through: session.reached, lines: [] }, position);
    else this.#ask(session);
  }

  #ask(session: Session): void {
    if (!this.#parts.connected() || this.#running >= RUNNING) {
      this.#queue.add(session);
      return;
    }
    this.#requests += 1;
    const id = String(this.#requests);
    session.request = id;
    session.isFull = false;
    this.#answers.set(id, session);
    const { epoch, reached, instruments } = session;
    this.#parts.request({ id, epoch, from: reached, instruments: instruments && [...instruments] });
  }

  /** Answers under way, and sessions that hold pages although theirs has come to its end. */
  get #running(): number {
    let holding = 0;
    for (const { pages, request } of this.#sessions) if (pages.length > 0 && request === undefined) holding += 1;
    return this.#answers.size + holding;
  }

  #send(session: Session, { through, lines }: Page, position: Position): void {
    session.isAwaited = false;
    if (!session.isBegun) this.#parts.resumed("recovered");
    session.isBegun = true;
    session.held -= lines.reduce((size, { length }) => size + length, 0);
    const more = session.pages.length > 0 || through < position.seq;
    const { id, epoch, from: oldest } = session;
    this.#parts.send(session.link, { op: "replay", id, epoch, through, oldest, more, recovered: true }, lines);
  }

  #refuse(session: Session, recovered: "too_old" | "epoch_changed", oldest: number): void {
    const { link, id, epoch, reached: through } = session;
    this.#end(session);
    this.#parts.resumed(recovered);
    this.#parts.send(link, { op: "replay", id, epoch, through, oldest, more: false, recovered }, []);
  }

  #end(session: Session): void {
    this.#sessions.delete(session);
    this.#queue.delete(session);
    const { request } = session;
    if (request !== undefined && this.#answers.has(request)) this.#answers.set(request, undefined);
    session.isAwaited = false;
    session.pages.length = 0;
  }

  #find(link: RelayLink, id: number): Session | undefined {
    for (const session of this.#sessions) if (session.link === link && session.id === id) return session;
    return undefined;
  }
}

/** Null where a wildcard is among the names. @throws {ProtocolError} where one is no stream */
function instrumentsOf(names: readonly string[]): string[] | null {
  for (const name of names) parseStreamOrPattern(name);
  if (names.some(isPattern)) return null;
  return [...new Set(names.map((name) => parseStream(name).instrument.name))];
}
