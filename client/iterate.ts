/**
 * Items for `for await`, over a bounded buffer. A loop that is too slow for a state gets newer values and is told how many it
 * has not seen; one that is too slow for a log has the stream paused, and resumed when it has caught up.
 */

import type { DataItem } from "../protocol/frames.ts";
import { parseStreamOrPattern } from "../protocol/pattern.ts";
import { CHANNEL_KINDS, type ChannelKind } from "../protocol/stream.ts";
import type { ClientError, StreamHandlers, Subscribed } from "./handlers.ts";
import { ItemBuffer, type StreamEvent } from "./item-buffer.ts";
import type { ResumeFrom } from "./progress.ts";

export interface IterateOptions {
  /** Items that may wait for the loop; 1,000 by default. */
  readonly buffer?: number;
  readonly from?: ResumeFrom;
}

/** The stream has ended: the server refuses it, or a newer subscription has taken its place (`replaced`). */
export class StreamError extends Error {
  override readonly name = "StreamError";
  /** One of PROTOCOL.md §8, or the client's own. */
  readonly code: string;

  constructor({ code, message }: Pick<ClientError, "code" | "message">) {
    super(message);
    this.code = code;
  }
}

/** What is needed of a subscription's handle. */
export interface Pausable {
  readonly stream: string;
  pause(): void;
  resume(): void;
  unsubscribe(): void;
}

const END = { done: true, value: undefined } as const;

export class ItemIterator implements AsyncIterableIterator<StreamEvent, undefined> {
  /** The loop has ended, one way or another. */
  onEnd: () => void = () => undefined;
  readonly #handle: Pausable;
  readonly #kind: ChannelKind;
  readonly #buffer: ItemBuffer;
  #missed: Subscribed["reason"];
  #isPaused = false;
  #error: StreamError | undefined;
  #isOver = false;
  /** Whoever waits for the next turn. */
  #wake: () => void = () => undefined;

  /** @throws whatever `subscribe` throws */
  constructor({ buffer = 1000 }: IterateOptions, subscribe: (handlers: StreamHandlers) => Pausable) {
    this.#buffer = new ItemBuffer(Math.max(1, buffer));
    this.#handle = subscribe({
      onItem: (item) => this.#onItem(item),
      onSubscribed: ({ recovered, reason = "too_old" }) => {
        if (recovered === false) this.#missed = reason;
      },
      onError: (error) => {
        if (!error.retryable) this.#fail(new StreamError(error));
      },
      onReplaced: () => {
        const message = `a newer subscription to ${this.#handle.stream} has taken the place of this one`;
        this.#fail(new StreamError({ code: "replaced", message }));
      },
    });
    this.#kind = CHANNEL_KINDS[parseStreamOrPattern(this.#handle.stream).channel];
  }

  /** @throws {StreamError} behind the last item, where the stream has ended by itself */
  async next(): Promise<IteratorResult<StreamEvent, undefined>> {
    for (;;) {
      const value = this.#buffer.take();
      if (value !== undefined) {
        this.#goOn();
        return { done: false, value };
      }
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) throw error;
      if (this.#isOver) return END;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Unsubscribes; what waits is given up. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#handle.unsubscribe();
    this.#buffer.clear();
    this.#error = undefined;
    this.#finish();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #onItem(item: DataItem): void {
    if (this.#kind === "state") this.#buffer.putNewest(item, this.#missed);
    else this.#buffer.put(item, this.#missed);
    this.#missed = undefined;
    if (this.#kind === "log" && this.#buffer.isFull) {
      this.#isPaused = true;
      this.#handle.pause();
    }
    this.#wake();
  }

  /** Once everything that waited has been taken, the stream goes on behind it. */
  #goOn(): void {
    if (!this.#isPaused || !this.#buffer.isEmpty) return;
    this.#isPaused = false;
    this.#handle.resume();
  }

  #fail(error: StreamError): void {
    this.#error = error;
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#wake();
    this.onEnd();
  }
}
