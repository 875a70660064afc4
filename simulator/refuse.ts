import type { Duplex } from "node:stream";

/** Answers an upgrade with an HTTP error, such as "503 Service Unavailable", and the value of `Retry-After`. */
export function refuse(socket: Duplex, status: string, retryAfter?: string): void {
  socket.on("error", () => socket.destroy());
  const pause = retryAfter === undefined ? "" : `Retry-After: ${retryAfter}\r\n`;
  socket.end(`HTTP/1.1 ${status}\r\n${pause}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
