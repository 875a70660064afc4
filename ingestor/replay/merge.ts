/** Several sequences, each in order, made one: what comes next is the smallest of their heads. */

interface Queue<T> {
  items: T[];
  /** Where the head stands. */
  next: number;
}

export class Merge<T> {
  readonly #queues: Map<number, Queue<T>>;
  /** Sequences that have items left, and of which nothing more comes. */
  readonly #ended = new Set<number>();
  readonly #rank: (item: T) => number;

  /** @param rank by which the sequences are merged; within each of them the order stays as it is */
  constructor(sequences: Iterable<number>, rank: (item: T) => number) {
    this.#queues = new Map([...sequences].map((sequence) => [sequence, { items: [], next: 0 }]));
    this.#rank = rank;
  }

  push(sequence: number, items: readonly T[]): void {
    const queue = this.#queues.get(sequence);
    if (queue === undefined) return;
    queue.items = [...queue.items.slice(queue.next), ...items];
    queue.next = 0;
  }

  /** Nothing more comes of a sequence. */
  end(sequence: number): void {
    const left = this.#queues.get(sequence);
    if (left === undefined || left.next === left.items.length) this.#queues.delete(sequence);
    else this.#ended.add(sequence);
  }

  /** What waits at the heads: nothing of what is held comes before these. */
  get heads(): readonly T[] {
    return [...this.#queues.values()].flatMap(({ items, next }) => items[next] ?? []);
  }

  /** Takes off all that nothing still to come can come before. */
  *take(): Generator<T> {
    for (;;) {
      const first = this.#first();
      if (first === undefined) return;
      const { sequence, queue, item } = first;
      queue.next += 1;
      if (queue.next === queue.items.length && this.#ended.delete(sequence)) this.#queues.delete(sequence);
      yield item;
    }
  }

  /** Undefined while a sequence has no head. */
  #first(): { sequence: number; queue: Queue<T>; item: T } | undefined {
    let first: { sequence: number; queue: Queue<T>; item: T } | undefined;
    for (const [sequence, queue] of this.#queues) {
      const item = queue.items[queue.next];
      if (item === undefined) return undefined;
      if (first === undefined || this.#rank(item) < this.#rank(first.item)) first = { sequence, queue, item };
    }
    return first;
  }
}
