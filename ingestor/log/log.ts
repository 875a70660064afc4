/**
 * The log of one exchange's ticks as the collector writes it and the pusher reads it. Two implementations: Kafka, and one
 * in memory for machines without it. Where Kafka is, the offset of a record is the `seq` of its event, everywhere.
 */

import type { MarketEvent } from "../../protocol/events.ts";
import type { FeedStatus } from "../../protocol/frames.ts";
import type { Authority, RecordOrigin } from "../../protocol/log-record.ts";

/** A record as read. */
export interface LogRecord {
  readonly offset: number;
  /** When the log took it, ms. */
  readonly logged: number;
  /** The instrument of an event. */
  readonly key: string;
  /** JSON text of the event or status. */
  readonly value: string;
  /** The type of the value: from the headers, so that whoever only passes it on need not parse it. */
  readonly type: MarketEvent["type"] | "status" | "marker";
  readonly origin: RecordOrigin;
}

/** The value of a status record; a reader adds `asOf`. */
export type CollectorStatus = Omit<FeedStatus, "asOf">;

/** A status as it stands in the log. */
export interface LoggedStatus extends CollectorStatus {
  /**
   * Since when (execution time, ms) trades are being backfilled: a successor must deduplicate against the log since then.
   * Absent while nothing is missing.
   */
  readonly healing?: number;
  /** Since when (execution time, ms) gaps are suspected that no frame has confirmed or dismissed yet. */
  readonly doubted?: number;
}

/** The end of a partition, as a takeover reads it. */
export interface Tail {
  /** Events of the tail, oldest first. */
  readonly events: readonly MarketEvent[];
  /** Log time (ms) from which this partition's tail is complete; 0 when it reaches back to the beginning. */
  readonly completeFrom: number;
  /**
   * When (ms, on the exchange's clock) the last trade before the takeover was executed: up to then the partition holds
   * everything. Neither a status nor a gap shows that: they are written while nothing is collected, too. Null where nothing
   * has ever been collected.
   */
  readonly completeUntil: number | null;
  /**
   * Since when (execution time, ms) trades may be missing that began to be so before this tail: what the log has had since
   * then is told by {@link TickWriter.readBack}. Absent where the tail says it all.
   */
  readonly unreadSince?: number;
}

/** The records right before a partition's tail, without the gaps that the tail closes. */
export interface EarlierTail extends Pick<Tail, "events" | "completeFrom"> {
  /** Overrides `completeFrom` for instruments of which trades were dropped, log time (ms). */
  readonly completeFor?: ReadonlyMap<string, number>;
}

/** A frame exactly as it came, or the body of an answer from the exchange's trade history. */
export interface RawFrame {
  readonly bytes: Buffer;
  readonly received: number;
  /** Names the connection it came over: frames of one connection stay in order. */
  readonly connection: string;
  /** Of a body: the request. */
  readonly rest?: { readonly instrument: string; readonly path: string };
}

/** How the raw log is doing; it holds nothing else up. */
export interface RawState {
  /** Unconfirmed bytes. */
  readonly bytes: number;
  /** Frames and bodies that were left out, being too large or behind too much else. */
  readonly omitted: number;
  /** Why frames have not been taken for some time; undefined while they are. */
  readonly trouble: string | undefined;
}

/** The collector's side. */
export interface TickWriter {
  /**
   * Takes the log over: markers of a new term, `atLeast` this one, to every partition, then the tails before them, by
   * partition. Waits until the log can be reached.
   */
  open(atLeast: number): Promise<readonly Tail[]>;
  /**
   * Reads the records before the tails, as far back as backfills need, beside the collecting: partition by partition, again
   * where it fails. Whoever dies before `take` has come back leaves it to its successor.
   *
   * @param signal ends the reading
   */
  readBack(take: (partition: number, earlier: EarlierTail) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Under which records are written; 0 before the log has been taken over. */
  readonly term: number;
  /** Resolves when the log shows that another collector has taken it over: later records of ours are void. */
  readonly superseded: Promise<void>;
  /** Unconfirmed bytes. */
  readonly bytes: number;
  /** Events that were too large for the log; a trade is replaced by a lost gap. Absent where none is. */
  readonly refused?: number;
  /** Absent where raw frames are not kept. */
  readonly raw?: RawState | undefined;
  /** How many partitions the log has; undefined before it has been taken over. */
  readonly partitions: number | undefined;
  partitionOf(instrument: string): number;
  /** Queues an event behind those of its partition; it is repeated until the log has confirmed it. */
  append(event: MarketEvent): void;
  /** Queues a status to every partition. */
  announce(status: LoggedStatus): void;
  /** Queues a frame for replay; it is left out when too many wait. */
  appendRaw(frame: RawFrame): void;
  /** Resolves when every event and status queued so far is confirmed. */
  confirmed(): Promise<void>;
  /** ... and every raw frame. */
  flushed(): Promise<void>;
  /** Too much is waiting to be confirmed: the collector must stop until it no longer is. */
  readonly overloaded: boolean;
  /** Whether the log can be reached, as far as the last attempt tells. */
  readonly reachable: boolean;
  close(): Promise<void>;
}

/** Records that retention took away before they were read. */
export interface Expired {
  /** The last position that has gone. */
  readonly seq: number;
  /** Log times (ms) between which they stood. */
  readonly since: number;
  readonly until: number;
}

/** The last acked positions before a commit, within the lookback. */
export interface AckedBefore {
  /** The committed position, where the live reading begins. */
  readonly offset: number;
  /** A record that counts, for those who must begin anew: the log can be read again from there. */
  readonly from: number;
  /** The last position of each instrument before `offset`. */
  readonly last: ReadonlyMap<string, number>;
  /** The events that are known to count, in order, and the position after which none is left out. */
  readonly recent: { readonly after: number; readonly records: readonly LogRecord[] };
}

/** Callbacks of a reader. Calls for one partition never overlap. */
export interface LogHandlers {
  /** This reader is responsible for the partition from here on. */
  assigned(partition: number): void;
  /** ... and no longer. */
  revoked(partition: number): void;
  /** It goes on from a commit. Once, before anything else of a partition that was assigned; not where nothing was acked. */
  resumed(partition: number, epoch: string, acked: AckedBefore): void;
  /** Records that count, in order, and the epoch they stand in. May be held back by returning a promise. */
  records(partition: number, epoch: string, records: readonly LogRecord[]): Promise<void> | void;
  /** The records before those that follow have expired. */
  expired(partition: number, epoch: string, expired: Expired): void;
  /** The group has confirmed that this reader's partitions are still its own. */
  confirmed(): void;
}

/** A position up to which everything is done; stored with the log's authority there. */
export interface Commit {
  readonly partition: number;
  /** That of the offset: should the log have become another one meanwhile, it means nothing there. */
  readonly epoch: string;
  /** The next offset to read. */
  readonly offset: number;
}

/** The pusher's side. */
export interface TickReader {
  /** How many partitions the log has; undefined while it has not been reached yet. */
  readonly partitions: number | undefined;
  /** Negative while the log has not been reached yet. */
  partitionOf(instrument: string): number;
  start(handlers: LogHandlers): Promise<void>;
  commit(commits: readonly Commit[]): Promise<void>;
  /** Backpressure: stops and resumes fetching. */
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  /**
   * Reads a partition's counting records again, those after `seq`, which must be the position of one that counts or of what
   * has expired. `take` is given each epoch's apart, with the position after them;
   * it may hold it back by returning a promise; it stops when `take` resolves to false. `expired`: what stood before
   * these records and has gone.
   */
  catchUp(
    partition: number,
    seq: number,
    take: (epoch: string, records: readonly LogRecord[], next: number, expired?: Expired) => Promise<boolean>,
  ): Promise<void>;
  readonly reachable: boolean;
  /** Records that were in the log and not read yet, at the last look. */
  readonly lag: number;
  /** Void records met: written by a superseded collector. */
  readonly voided: number;
  stop(): Promise<void>;
}

/** Authority over a partition from an offset on. */
export interface AuthorityFrom {
  readonly offset: number;
  readonly authority: Authority | null;
}
