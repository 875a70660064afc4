/** Whether the log has an instrument's tickers in the order in which raw gives them. */

/** After more than one connection has brought an instrument, its tickers are interleaved for so long, ms. */
const INTERLEAVED = 10_000;

export class TickerOrder {
  #connection: string | null = null;
  #nth = -1;
  #seq = -1;
  #interleavedUntil = 0;

  /**
   * Takes the next ticker that both sides have. Ones in the right order become known in that order, too, however far ahead
   * of the other one side is read.
   *
   * @param nth grows with each ticker of raw
   * @param connection null where it is not known: then nothing can be said
   * @returns whether it stands before one that it should follow, or the other way round
   */
  isBroken(nth: number, seq: number, connection: string | null, received: number): boolean {
    const [nthBefore, seqBefore, connectionBefore] = [this.#nth, this.#seq, this.#connection];
    this.#connection = connection;
    this.#nth = Math.max(nthBefore, nth);
    this.#seq = Math.max(seqBefore, seq);
    if (connection !== connectionBefore && connectionBefore !== null) {
      this.#interleavedUntil = Math.max(this.#interleavedUntil, received + INTERLEAVED);
    }
    if (connection === null || connectionBefore === null || received < this.#interleavedUntil) return false;
    return nth > nthBefore !== seq > seqBefore;
  }
}
