/** Raw frames on their way to `raw.<exchange>`: the frame's own bytes, and in the headers when and whence it came. */

import type { RawFrame } from "../log.ts";
import { QueueClosed } from "./partition-queue.ts";

interface RawMessage {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
}

interface Lane {
  waiting: RawMessage[];
  running: Promise<void> | undefined;
}

const BATCH_BYTES = 400_000;

export class RawQueue {
  readonly #partitions: number;
  readonly #send: (partition: number, messages: readonly RawMessage[]) => Promise<void>;
  readonly #lanes: Lane[];
  #bytes = 0;

  /** @param send confirms a batch, whatever it takes; batches of one partition never overlap */
  constructor(partitions: number, send: (partition: number, messages: readonly RawMessage[]) => Promise<void>) {
    this.#partitions = partitions;
    this.#send = send;
    this.#lanes = Array.from({ length: partitions }, (): Lane => ({ waiting: [], running: undefined }));
  }

  /** What waits to be confirmed, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  push({ bytes, received, connection, rest }: RawFrame): void {
    const partition = hash(connection) % this.#partitions;
    const lane = this.#lanes[partition];
    if (lane === undefined) return;
    const headers = { received: String(received), connection, ...rest, kind: rest === undefined ? "frame" : "rest" };
    lane.waiting.push({ key: connection, value: bytes, headers });
    this.#bytes += bytes.length;
    lane.running ??= this.#run(partition, lane);
  }

  async flushed(): Promise<void> {
    await Promise.all(this.#lanes.map(({ running }) => running));
  }

  /** Forgets that it runs in the turn in which it finds nothing more: what is pushed after that must start it again. */
  async #run(partition: number, lane: Lane): Promise<void> {
    try {
      await Promise.resolve();
      while (lane.waiting.length > 0) await this.#sendNext(partition, lane);
    } catch (error) {
      if (!(error instanceof QueueClosed)) throw error;
    } finally {
      lane.running = undefined;
    }
  }

  async #sendNext(partition: number, lane: Lane): Promise<void> {
    const batch: RawMessage[] = [];
    let bytes = 0;
    for (const message of lane.waiting) {
      if (batch.length > 0 && bytes + message.value.length > BATCH_BYTES) break;
      batch.push(message);
      bytes += message.value.length;
    }
    await this.#send(partition, batch);
    lane.waiting = lane.waiting.slice(batch.length);
    this.#bytes -= bytes;
  }
}

/** FNV-1a, 32 bits: spreads connections over partitions. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}
