/**
 * Raw frames on their way to `raw.<exchange>`: the frame's own bytes, and in the headers when and whence it came, and in
 * which order. They are gathered for a moment and go to one partition after the other, compressed: with the
 * connection as key, an exchange with one connection would fill a single partition.
 *
 * Raw is a record for replay and holds up nothing: frames that are too large for a record, or come while too many wait, are
 * left out and counted, and an omission record takes their place.
 */

import type { RawFrame } from "../../log.ts";
import type { MemoryReservation } from "../../memory-pool.ts";
import { formatHeader } from "../format.ts";
import { RAW_FRAME_BYTES } from "../topics.ts";
import { QueueClosed } from "./partition-queue.ts";
import { isTooLarge } from "./send-errors.ts";

export interface RawMessage {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Consecutive frames that are left out, described by one omission record. */
interface Omitted {
  readonly first: RawFrame;
  /** When the last of them was received, ms. */
  until: number;
  frames: number;
  bytes: number;
}

/** Batches of one partition, sent one after the other. */
interface BatchQueue {
  waiting: RawMessage[][];
  running: Promise<void> | undefined;
}

export interface RawQueueOptions {
  readonly partitions: number;
  /** Bytes that may wait. */
  readonly reservation: MemoryReservation;
  /** Confirms a batch, whatever it takes; batches of one partition never overlap. @throws what {@link isTooLarge} knows */
  readonly send: (partition: number, messages: readonly RawMessage[]) => Promise<void>;
}

/** Of a batch, before it is compressed. */
const BATCH_BYTES = 400_000;
/** How long frames are gathered, ms: frames alone compress to two thirds, a hundred of them to a tenth. */
const GATHER = 100;
/** Bytes of a frame's headers. */
const OVERHEAD = 400;
const OMISSION = "omission";
/** The `order` of a frame begins at its time of receipt, with so many numbers in each millisecond. */
export const RANKS_PER_MS = 1000;

export class RawQueue {
  readonly #options: RawQueueOptions;
  /** By partition. */
  readonly #queues: BatchQueue[];
  /** The batch being gathered, and its bytes. */
  #batch: RawMessage[] = [];
  #batchBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #nextPartition = 0;
  #order = 0;
  #omission: Omitted | undefined;
  /** Frames and bodies that were left out. */
  omitted = 0;

  constructor(options: RawQueueOptions) {
    this.#options = options;
    this.#queues = Array.from({ length: options.partitions }, (): BatchQueue => ({ waiting: [], running: undefined }));
  }

  /** Unconfirmed bytes. */
  get bytes(): number {
    return this.#options.reservation.bytes;
  }

  push(frame: RawFrame): void {
    if (this.#options.reservation.isFull) {
      this.#leaveOut(frame);
      return;
    }
    this.#recordOmission();
    const message = toMessage(frame, this.#nextOrder(frame.received));
    this.#add(frame.bytes.length > RAW_FRAME_BYTES ? this.#tooLarge(message) : message);
  }

  /** Resolves when everything pushed so far is confirmed. */
  async flushed(): Promise<void> {
    this.#recordOmission();
    this.#close();
    await Promise.all(this.#queues.map(({ running }) => running));
  }

  /** Gathers no longer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#options.reservation.close();
  }

  #leaveOut(frame: RawFrame): void {
    const { received, bytes } = frame;
    this.#omission ??= { first: frame, until: received, frames: 0, bytes: 0 };
    this.#omission.until = received;
    this.#omission.frames += 1;
    this.#omission.bytes += bytes.length;
    this.omitted += 1;
  }

  #recordOmission(): void {
    if (this.#omission === undefined) return;
    const { first, until, frames, bytes } = this.#omission;
    this.#omission = undefined;
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
    this.#options.reservation.bytes += sizeOf(message);
    if (this.#batchBytes >= BATCH_BYTES) this.#close();
    else this.#timer ??= setTimeout(() => this.#close(), GATHER);
  }

  /** Ends gathering: the batch goes to the next partition. */
  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const queue = this.#queues[this.#nextPartition];
    if (this.#batch.length === 0 || queue === undefined) return;
    queue.waiting.push(this.#batch);
    queue.running ??= this.#run(this.#nextPartition, queue);
    [this.#batch, this.#batchBytes] = [[], 0];
    this.#nextPartition = (this.#nextPartition + 1) % this.#queues.length;
  }

  /** Forgets that it runs in the turn in which it finds nothing more: what is pushed after that must start it again. */
  async #run(partition: number, queue: BatchQueue): Promise<void> {
    try {
      await Promise.resolve();
      for (let batch = queue.waiting[0]; batch !== undefined; batch = queue.waiting[0]) {
        await this.#sendFitting(partition, batch);
        queue.waiting.shift();
        for (const message of batch) this.#options.reservation.bytes -= sizeOf(message);
      }
    } catch (error) {
      if (!(error instanceof QueueClosed)) throw error;
    } finally {
      queue.running = undefined;
    }
  }

  /** A batch that the broker refuses as too large is split; a single frame is replaced by an omission. */
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
  const headers = { ...formatHeader(), received: String(received), order: String(order), connection, ...rest, kind };
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
