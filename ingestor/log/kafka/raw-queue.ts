/**
 * Raw frames on their way to `raw.<exchange>`: the frame's own bytes, and in the headers when and whence it came, and in
 * which order. They are gathered for a moment and go to one partition after the other, compressed: what an exchange sends
 * over one connection would else fill a single partition.
 *
 * Raw is a record for replay and holds up nothing: what is too large for a record, or waits while too much does, is left
 * out, counted, and said in the log by an omission in its place.
 */

import type { ByteShare } from "../byte-budget.ts";
import type { RawFrame } from "../log.ts";
import { QueueClosed } from "./partition-queue.ts";
import { isTooLarge } from "./send-errors.ts";
import { RAW_FRAME_BYTES } from "./topics.ts";

export interface RawMessage {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Frames that are left out one after the other, told of by one record. */
interface Backlog {
  readonly first: RawFrame;
  /** When the last of them was received, ms. */
  until: number;
  frames: number;
  bytes: number;
}

interface Lane {
  waiting: RawMessage[][];
  running: Promise<void> | undefined;
}

export interface RawQueueOptions {
  readonly partitions: number;
  /** Bytes that may wait. */
  readonly share: ByteShare;
  /** Confirms a batch, whatever it takes; batches of one partition never overlap. @throws what {@link isTooLarge} knows */
  readonly send: (partition: number, messages: readonly RawMessage[]) => Promise<void>;
}

/** Of a batch, before it is compressed. */
const BATCH_BYTES = 400_000;
/** How long frames are gathered, ms: frames alone compress to two thirds, a hundred of them to a tenth. */
const GATHER = 100;
/** What a frame takes beside its bytes. */
const OVERHEAD = 400;
const OMISSION = "omission";
/** The `order` of a frame begins at its time of receipt, with so many places in each millisecond. */
export const RANKS_PER_MS = 1000;

export class RawQueue {
  readonly #options: RawQueueOptions;
  readonly #lanes: Lane[];
  /** What is being gathered, and its bytes. */
  #batch: RawMessage[] = [];
  #batchBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #nextLane = 0;
  #order = 0;
  #backlog: Backlog | undefined;
  /** Frames and bodies that were left out. */
  omitted = 0;

  constructor(options: RawQueueOptions) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.partitions }, (): Lane => ({ waiting: [], running: undefined }));
  }

  /** What waits to be confirmed, bytes. */
  get bytes(): number {
    return this.#options.share.bytes;
  }

  push(frame: RawFrame): void {
    if (this.#options.share.isFull) {
      this.#leaveOut(frame);
      return;
    }
    this.#tellBacklog();
    const message = toMessage(frame, this.#nextOrder(frame.received));
    this.#add(frame.bytes.length > RAW_FRAME_BYTES ? this.#tooLarge(message) : message);
  }

  /** Resolves when everything pushed so far is confirmed. */
  async flushed(): Promise<void> {
    this.#tellBacklog();
    this.#close();
    await Promise.all(this.#lanes.map(({ running }) => running));
  }

  /** Gathers no longer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#options.share.close();
  }

  #leaveOut(frame: RawFrame): void {
    const { received, bytes } = frame;
    this.#backlog ??= { first: frame, until: received, frames: 0, bytes: 0 };
    this.#backlog.until = received;
    this.#backlog.frames += 1;
    this.#backlog.bytes += bytes.length;
    this.omitted += 1;
  }

  #tellBacklog(): void {
    if (this.#backlog === undefined) return;
    const { first, until, frames, bytes } = this.#backlog;
    this.#backlog = undefined;
    const { key, headers } = toMessage(first, this.#nextOrder(first.received));
    this.#add(omission(key, headers, { reason: "too much waited", until, frames, bytes }));
  }

  #tooLarge({ key, headers, value }: RawMessage): RawMessage {
    this.omitted += 1;
    const until = Number(headers["received"]);
    return omission(key, headers, { reason: "too large", until, frames: 1, bytes: value.length });
  }

  /** Grows always, also when the clock goes back: replay puts the partitions together by it. */
  #nextOrder(received: number): number {
    this.#order = Math.max(this.#order + 1, received * RANKS_PER_MS);
    return this.#order;
  }

  #add(message: RawMessage): void {
    this.#batch.push(message);
    this.#batchBytes += message.value.length;
    this.#options.share.bytes += sizeOf(message);
    if (this.#batchBytes >= BATCH_BYTES) this.#close();
    else this.#timer ??= setTimeout(() => this.#close(), GATHER);
  }

  /** Ends gathering: the batch goes to the next partition. */
  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lane = this.#lanes[this.#nextLane];
    if (this.#batch.length === 0 || lane === undefined) return;
    lane.waiting.push(this.#batch);
    lane.running ??= this.#run(this.#nextLane, lane);
    [this.#batch, this.#batchBytes] = [[], 0];
    this.#nextLane = (this.#nextLane + 1) % this.#lanes.length;
  }

  /** Forgets that it runs in the turn in which it finds nothing more: what is pushed after that must start it again. */
  async #run(partition: number, lane: Lane): Promise<void> {
    try {
      await Promise.resolve();
      for (let batch = lane.waiting[0]; batch !== undefined; batch = lane.waiting[0]) {
        await this.#sendFitting(partition, batch);
        lane.waiting.shift();
        for (const message of batch) this.#options.share.bytes -= sizeOf(message);
      }
    } catch (error) {
      if (!(error instanceof QueueClosed)) throw error;
    } finally {
      lane.running = undefined;
    }
  }

  /** What the broker will not take is not sent again: half of it may fit, and of a single frame it is said that it does not. */
  async #sendFitting(partition: number, batch: readonly RawMessage[]): Promise<void> {
    try {
      await this.#options.send(partition, batch);
    } catch (error) {
      const [first] = batch;
      if (!isTooLarge(error) || first === undefined) throw error;
      if (batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await this.#sendFitting(partition, batch.slice(0, half));
        await this.#sendFitting(partition, batch.slice(half));
      } else if (first.headers["kind"] !== OMISSION) await this.#sendFitting(partition, [this.#tooLarge(first)]);
    }
  }
}

function toMessage({ bytes, received, connection, rest }: RawFrame, order: number): RawMessage {
  const kind = rest === undefined ? "frame" : "rest";
  const headers = { received: String(received), order: String(order), connection, ...rest, kind };
  return { key: connection, value: bytes, headers };
}

/** Stands in the place of frames that are left out: how many, of how many bytes, up to when (ms), and why. */
function omission(
  key: string,
  headers: RawMessage["headers"],
  { reason, until, frames, bytes }: { reason: string; until: number; frames: number; bytes: number },
): RawMessage {
  const said = { kind: OMISSION, reason, until: String(until), frames: String(frames), bytes: String(bytes) };
  return { key, value: Buffer.alloc(0), headers: { ...headers, ...said } };
}

function sizeOf({ value }: RawMessage): number {
  return value.length + OVERHEAD;
}
