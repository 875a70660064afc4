/** Sockets for Node. */

import WebSocket from "ws";
import type { SocketLike } from "./connection.ts";

/** Without compression: it costs the server a quarter of a megabyte a socket and twice the time. */
export function dialNode(url: string): SocketLike {
  return new WebSocket(url, { perMessageDeflate: false }) as unknown as SocketLike;
}
