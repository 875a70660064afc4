/** The callbacks of a subscriber, and the part of the WebSocket interface that is needed. */

import type { DataItem, ServerFrame, SubscribedStream } from "../protocol/frames.ts";
import type { InstrumentName } from "../protocol/instrument.ts";

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
  /** The client's own: `bad_frame`, something could not be read; `missing_items`, so it reconnects and resumes; `closed`. */
  readonly code: string;
  readonly message: string;
  /** Whether the client tries again by itself. */
  readonly retryable: boolean;
}

/** How a stream begins or goes on: the server's answer, PROTOCOL.md §3 and §5, with that of a wildcard in the same terms. */
export interface Subscribed {
  readonly requested: string;
  readonly stream: string;
  /** Of a stream by name: where it begins. */
  readonly epoch?: string | undefined;
  readonly seq?: number | undefined;
  /** Of a wildcard: how many instruments it stands for now. */
  readonly matches?: number | undefined;
  /** Missing where there was nothing to go on from. A wildcard is recovered when it goes on in every partition of the log. */
  readonly recovered?: boolean | undefined;
  /** Why it was not recovered; of a wildcard, in the first partition in which it was not. */
  readonly reason?: SubscribedStream["reason"];
}

/** What a subscriber may want to know. Every callback is optional but `onItem`. */
export interface StreamHandlers {
  /** Each item once, in order, snapshots and gaps included. */
  onItem(item: DataItem): void;
  /** The stream goes on. `recovered` false: what came in between is not available any more, see `reason`. */
  onSubscribed?(subscribed: Subscribed): void;
  /** The server will not serve this stream; it is not asked for again unless the error is retryable. */
  onError?(error: ClientError): void;
  /** A newer subscription to the same stream has taken this one's place. */
  onReplaced?(): void;
  /** Of a wildcard: these of its instruments are no longer collected; it goes on with the others. */
  onEnded?(instruments: readonly InstrumentName[]): void;
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
