/** What has come and not been taken yet; whoever takes waits until it comes. */

export class Inbox<T> {
  readonly #waiting: T[] = [];
  #takers: { wanted: (value: T) => boolean; resolve: (value: T) => void }[] = [];

  readonly put = (value: T): void => {
    const taker = this.#takers.find(({ wanted }) => wanted(value));
    if (taker === undefined) {
      this.#waiting.push(value);
      return;
    }
    this.#takers = this.#takers.filter((one) => one !== taker);
    taker.resolve(value);
  };

  /** The first that is `wanted`; the others stay. */
  take(wanted: (value: T) => boolean = () => true): Promise<T> {
    const found = this.#waiting.findIndex(wanted);
    const [value] = found < 0 ? [] : this.#waiting.splice(found, 1);
    if (value !== undefined) return Promise.resolve(value);
    return new Promise((resolve) => this.#takers.push({ wanted, resolve }));
  }

  /** What nobody has taken. */
  get left(): readonly T[] {
    return this.#waiting;
  }
}
