/** One event for all its listeners: encoded once for each of the two forms, and only when somebody wants that form. */
export class StreamEvent {
  readonly stream: string;
  readonly #payload: string;
  readonly #finish: (frame: string) => string;
  #raw: Buffer | undefined;
  #combined: Buffer | undefined;

  /** `finish` changes the whole frame just before it goes out. */
  constructor(stream: string, payload: string, finish: (frame: string) => string = (frame) => frame) {
    this.stream = stream;
    this.#payload = payload;
    this.#finish = finish;
  }

  /** The frame as UTF-8; combined ones say which stream they are of. */
  frame(combined: boolean): Buffer {
    if (!combined) {
      this.#raw ??= Buffer.from(this.#finish(this.#payload));
      return this.#raw;
    }
    this.#combined ??= Buffer.from(this.#finish(`{"stream":${JSON.stringify(this.stream)},"data":${this.#payload}}`));
    return this.#combined;
  }
}
