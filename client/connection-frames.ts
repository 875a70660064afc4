/** What a server says of a connection as a whole, whichever kind of socket it is: both obey it alike. */

import type { ClientError, ConnectionHandlers } from "./handlers.ts";
import type { Incoming } from "./read-frame.ts";
import type { ReconnectingSocket } from "./reconnecting-socket.ts";

/** @returns false for what is of the streams, and is the caller's */
export function obey(
  frame: Incoming,
  socket: Pick<ReconnectingSocket, "send" | "later" | "drop">,
  handlers: ConnectionHandlers,
): boolean {
  switch (frame.op) {
    case "status":
      handlers.onStatus?.(frame);
      return true;
    case "probe":
      socket.send(JSON.stringify({ op: "ack", id: frame.id }));
      return true;
    case "reconnect":
      // The moment is random already: no further pause.
      socket.later(Math.random() * frame.within, () => socket.drop("asked to", 0));
      return true;
    default:
      return false;
  }
}

/**
 * Why a connection is over for good.
 *
 * @param lastError what the server said last of the connection
 */
export function finalError(code: number, reason: string, lastError: ClientError | undefined): ClientError {
  const message = reason === "" ? `the server closed the connection with ${code}` : reason;
  return { ...(lastError ?? { code: "closed", message }), retryable: false };
}
