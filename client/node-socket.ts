/** Sockets for Node. */

import WebSocket from "ws";
import type { SocketLike } from "./handlers.ts";

const SETTINGS = {
  // Compression costs the server a quarter of a megabyte a socket and twice the time.
  perMessageDeflate: false,
  // ms. A server that does not answer a close keeps the process alive for so long: 30 s by default.
  closeTimeout: 1000,
};

/** @param onBytes is told the size of each message */
export function dialNode(url: string, onBytes?: (count: number) => void): SocketLike {
  const socket = new WebSocket(url, SETTINGS);
  if (onBytes !== undefined) {
    socket.on("message", (data) => onBytes(Array.isArray(data) ? Buffer.concat(data).length : data.byteLength));
  }
  return socket as unknown as SocketLike;
}
