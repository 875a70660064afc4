import type WebSocket from "ws";

/** A socket's sending half: what is sent stands in `sent`, read as its receiver would read it. */
export class Wire<F> {
  readonly OPEN = 1;
  readonly readyState = 1;
  bufferedAmount = 0;
  readonly sent: F[] = [];
  /** Characters of each frame that was ever sent. */
  readonly sizes: number[] = [];
  readonly #read: (frame: unknown) => F;

  /** @param read gives the frame, or throws where its receiver would refuse it */
  constructor(read: (frame: unknown) => F) {
    this.#read = read;
  }

  /** What a link is given. */
  get socket(): WebSocket {
    return this as unknown as WebSocket;
  }

  send(text: string, onSent?: () => void): void {
    this.sent.push(this.#read(JSON.parse(text)));
    this.sizes.push(text.length);
    if (onSent !== undefined) queueMicrotask(onSent);
  }

  /** What was sent and is not taken yet: its first `count` frames, or all. */
  take(count = this.sent.length): F[] {
    return this.sent.splice(0, count);
  }
}
