/**
 * How far behind one client may be. The runtime queues for a client that does not read without limit and without an error, and
 * a close waits behind that queue: so it has to come while the queue is small.
 */

/** Bytes that may wait for any client. */
export const SOCKET_BOUND = 1_048_576;
/** Bytes that may wait for a client that was never there: it may have gone before its upgrade was answered. */
export const ABSENT_BOUND = 65_536;
/** A client on a busy stream may be behind by what it is sent in this long, ms. */
const LAG = 5000;
/** Bytes between two probes. */
const PROBE_EVERY = 262_144;

export class ClientFlow {
  readonly #bound: number;
  readonly #probes: boolean;
  #stretch = { since: Number.NEGATIVE_INFINITY, bytes: 0, before: 0 };
  /** What waited when last looked at, and what was sent since; bytes. */
  #expected = 0;
  #present = false;
  #observed = false;
  /** What is left of a burst that was sent at once; bytes. */
  #burst = 0;
  #probe = { id: 0, answered: true, everAnswered: false, bytes: 0 };

  /**
   * @param bound bytes that may wait however little the client is sent
   * @param probes whether the client can answer any
   */
  constructor({ bound = SOCKET_BOUND, probes = true } = {}) {
    this.#bound = bound;
    this.#probes = probes;
  }

  /** Whether the client was ever there: it has sent something, or the runtime was seen to get rid of something sent to it. */
  get present(): boolean {
    return this.#present;
  }

  /** The client has sent something. */
  heard(): void {
    this.#present = true;
  }

  /** Whether the runtime tells what waits. */
  get observed(): boolean {
    return this.#observed;
  }

  /** @param queued bytes that wait for the client, as the runtime says. Something was sent to it before: its `welcome` */
  observe(queued: number): void {
    if (queued < this.#expected || queued === 0) this.#present = true;
    this.#observed = true;
    this.#expected = queued;
    this.#burst = Math.min(this.#burst, queued);
  }

  /** What waits at most, bytes: as if nothing had been taken since the last look. */
  get mayWait(): number {
    return this.#expected;
  }

  /** Bytes of a live frame go out. @param now ms */
  sent(bytes: number, now: number): void {
    this.#roll(now);
    this.#stretch.bytes += bytes;
    this.#expected += bytes;
    this.#probe.bytes += bytes;
  }

  /** Bytes that were asked for all at once go out: being behind by them is no sign of slowness. */
  sentAtOnce(bytes: number): void {
    this.#burst += bytes;
    this.#expected += bytes;
    this.#probe.bytes += bytes;
  }

  /** Whether what was sent at once has been taken, but for what may wait anyway: only then may there be more of it. */
  get burstTaken(): boolean {
    return this.#burst <= this.#bound;
  }

  /** Bytes that may wait for the client, or be unanswered, now. @param now ms */
  bound(now: number): number {
    this.#roll(now);
    const { bytes, before } = this.#stretch;
    return Math.max(this.#bound, bytes, before) + this.#burst;
  }

  /** The id of a probe to send now, if it is time for one. There is never more than one on its way. */
  nextProbe(): number | undefined {
    if (!this.#probes || !this.#probe.answered || this.#probe.bytes < PROBE_EVERY) return undefined;
    this.#probe = { ...this.#probe, id: this.#probe.id + 1, answered: false, bytes: 0 };
    return this.#probe.id;
  }

  /** Bytes that may go out before the next probe is due. */
  get untilProbe(): number {
    return this.#probes && this.#probe.answered
      ? Math.max(0, PROBE_EVERY - this.#probe.bytes)
      : Number.POSITIVE_INFINITY;
  }

  answered(id: number): void {
    if (this.#probe.answered || id !== this.#probe.id) return;
    this.#probe = { ...this.#probe, answered: true, everAnswered: true };
  }

  /** Bytes sent behind a probe that waits for its answer; of a client that never answered one it says nothing: 0. */
  get unanswered(): number {
    const { answered, everAnswered, bytes } = this.#probe;
    return answered || !everAnswered ? 0 : bytes;
  }

  #roll(now: number): void {
    const { since, bytes } = this.#stretch;
    if (now - since < LAG) return;
    this.#stretch = { since: now, bytes: 0, before: now - since < 2 * LAG ? bytes : 0 };
  }
}
