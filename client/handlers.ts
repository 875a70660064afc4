/** What a subscriber is told, and the little of a WebSocket that is needed. */

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

/** An error as the server tells it; `code` is one of PROTOCOL.md §8, or of those that a client finds by itself. */
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
  /** A connection has gone and will be dialled again after `retryIn` ms (null: it will not). */
  onClose?(event: { code: number; reason: string; retryIn: number | null }): void;
  /** What the server says of the connection as a whole, and frames that could not be read. */
  onError?(error: ClientError): void;
}
