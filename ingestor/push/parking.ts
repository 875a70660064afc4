/** What a feed lacks that is in memory no more, and the reading of the log that gives it back. */

/** A reading of the log on a feed's behalf. It is over when another has begun, or the feed has gone away. */
export interface CatchUp {
  /** What the feed has: it lacks what comes after. */
  readonly seq: number;
}

export class Parking {
  /** Everything after this position is to be read from the log again; undefined for a feed that lacks nothing. */
  #from: number | undefined;
  #logged: number | undefined;
  #catchUp: CatchUp | undefined;

  /** Everything after this position is lacking; undefined for a feed that is not parked. */
  get from(): number | undefined {
    return this.#from;
  }

  /** Log time (ms) that the first of it does not precede; undefined until the reading has come upon one. */
  get logged(): number | undefined {
    return this.#logged;
  }

  get active(): boolean {
    return this.#from !== undefined;
  }

  /** Whether it is to be read for, and nothing is read yet. */
  get waits(): boolean {
    return this.active && this.#catchUp === undefined;
  }

  /** Events after `from` were let go, the first of which the log took at `logged`, ms, or later. */
  park(from: number, logged: number | undefined): void {
    this.#from = from;
    this.#logged = logged;
  }

  /** The log is read for it from where it stands. */
  read(from: number, logged: number | undefined): CatchUp {
    this.park(from, logged);
    this.#catchUp = { seq: from };
    return this.#catchUp;
  }

  /** The reading has come upon an event. */
  onRead(logged: number): void {
    this.#logged = logged;
  }

  /** The reading goes on later, after `from`. */
  leave(from: number): void {
    if (this.active) this.#from = from;
    this.#catchUp = undefined;
  }

  /** The feed has gone: what is read for it has nowhere to go. */
  endReading(): void {
    this.#catchUp = undefined;
  }

  /** The feed lacks nothing any more. */
  end(): void {
    this.#from = undefined;
    this.#logged = undefined;
    this.#catchUp = undefined;
  }

  /** Whether the events of this reading still have somewhere to go. */
  wants(catchUp: CatchUp): boolean {
    return this.#catchUp === catchUp;
  }
}
