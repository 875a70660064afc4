/** The events of one feed on their way: what waits to be sent, and after that what was sent and is not acked yet. */

/** An event on its way: `text` is its JSON as a batch carries it. */
export interface Entry {
  readonly seq: number;
  readonly text: string;
  /** When the log took it, ms. */
  readonly logged: number;
  /** When it was read from the log, ms. */
  readonly read: number;
}

export class Outbox {
  readonly #onBytes: (change: number) => void;
  #waiting: Entry[] = [];
  #unacked: Entry[] = [];
  #bytes = 0;

  /** @param onBytes hears of what is added, and below 0 of what is let go */
  constructor(onBytes: (change: number) => void) {
    this.#onBytes = onBytes;
  }

  /** All that is held, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The lowest position held; undefined when nothing is. */
  get first(): number | undefined {
    return this.#unacked[0]?.seq ?? this.#waiting[0]?.seq;
  }

  /** When the oldest that is held was read, ms. */
  get oldest(): number | undefined {
    return (this.#unacked[0] ?? this.#waiting[0])?.read;
  }

  /** How many wait to be sent. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** When the one that has waited longest was read, ms. */
  get waitingSince(): number | undefined {
    return this.#waiting[0]?.read;
  }

  /** The position of the first one that waits to be sent. */
  get unsent(): number | undefined {
    return this.#waiting[0]?.seq;
  }

  /** When the log took the first one that waits to be sent, ms. */
  get unsentFrom(): number | undefined {
    return this.#waiting[0]?.logged;
  }

  /** When the log took the first one after `seq` that is held, ms; undefined when none is. */
  loggedAfter(seq: number): number | undefined {
    const after = (entry: Entry) => entry.seq > seq;
    return (this.#unacked.find(after) ?? this.#waiting.find(after))?.logged;
  }

  /** How many were sent and are not acked. */
  get unacked(): number {
    return this.#unacked.length;
  }

  push(entry: Entry): void {
    this.#waiting.push(entry);
    this.#count(entry.text.length);
  }

  /** The next ones to send, `max` at most; from here on they wait for their ack. */
  send(max: number): readonly Entry[] {
    const entries = this.#waiting.splice(0, max);
    for (const entry of entries) this.#unacked.push(entry);
    return entries;
  }

  /** Lets go of what is stored at the other end. */
  ack(seq: number): void {
    const first = this.#unacked.findIndex((entry) => entry.seq > seq);
    this.#drop(this.#unacked.splice(0, first < 0 ? this.#unacked.length : first));
  }

  /** Everything after `seq` waits again, sent or not; the rest is at the other end, and waits for its ack. */
  rewind(seq: number): void {
    const all = [...this.#unacked, ...this.#waiting];
    this.#unacked = all.filter((entry) => entry.seq <= seq);
    this.#waiting = all.filter((entry) => entry.seq > seq);
  }

  /** Lets go of what was not sent. */
  dropWaiting(): void {
    this.#drop(this.#waiting.splice(0));
  }

  clear(): void {
    this.dropWaiting();
    this.#drop(this.#unacked.splice(0));
  }

  #drop(entries: readonly Entry[]): void {
    this.#count(-entries.reduce((sum, { text }) => sum + text.length, 0));
  }

  #count(change: number): void {
    this.#bytes += change;
    if (change !== 0) this.#onBytes(change);
  }
}
