/** The callbacks of a subscriber, and the part of the WebSocket interface that is needed. */

import type { DataItem, ServerFrame, SubscribedStream } from "../protocol/frames.ts";

/** The part of the standard WebSocket that is used here; browsers and `ws` both have it. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
}

/** An error from the server, or found by the client itself; `code` is one of PROTOCOL.md §8, or a client's own. */
export interface ClientError {
  /** `bad_frame` is the client's own: the server sent something that could not be read. */
  readonly code: string;
  readonly message: string;
  /** Whether the client tries again by itself. */
  readonly retryable: boolean;
}

/** What a subscriber may want to know. Every callback is optional but `onItem`. */
export interface StreamHandlers {
  /** Each item once, in order, snapshots and gaps included. */
  onItem(item: DataItem): void;
  /** The stream goes on. `recovered` false: what came in between is not available any more, see `reason`. */
  onSubscribed?(subscribed: SubscribedStream): void;
  /** The server will not serve this stream; it is not asked for again unless the error is retryable. */
  onError?(error: ClientError): void;
}

/** What may be wanted of the connections below the streams. */
export interface ConnectionHandlers {
  /** The feed's state: on subscribing, on change, and every 15 s. */
  onStatus?(status: Extract<ServerFrame, { op: "status" }>): void;
  /** A connection is open. */
  onOpen?(): void;
  /** A connection was lost; the next attempt is in `retryIn` ms (null: there is none). */
  onClose?(event: { code: number; reason: string; retryIn: number | null }): void;
  /** Errors of the connection as a whole, and frames that could not be read. */
  onError?(error: ClientError): void;
}
