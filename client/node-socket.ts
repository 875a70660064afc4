/** Sockets for Node. */

import WebSocket from "ws";
import type { SocketLike } from "./handlers.ts";

const SETTINGS = {
  // Compression costs the server a quarter of a megabyte a socket and twice the time.
  perMessageDeflate: false,
  // ms. A server that does not answer a close keeps the process alive for so long: 30 s by default.
  closeTimeout: 1000,
};

export function dialNode(url: string): SocketLike {
  return new WebSocket(url, SETTINGS) as unknown as SocketLike;
}
