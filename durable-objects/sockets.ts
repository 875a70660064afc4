/** What every kind of socket here has in common. */

import { closeCode, type ErrorCode, type ProtocolError } from "../protocol/errors.ts";

/** Codes that a peer's end may report but that nobody may send. */
const NEVER_SENT = new Set([1005, 1006, 1015]);

/** Sends, and says whether the socket was still there: one that has just gone is no error of ours. */
export function sendOrDrop(ws: WebSocket, text: string): boolean {
  if (ws.readyState !== WebSocket.OPEN) return false;
  ws.send(text);
  return true;
}

/**
 * Closes our end after the peer has closed, or vanished. Without it the runtime keeps two file descriptors for each
 * client that was lost abruptly, and runs out of them.
 */
export function answerClose(ws: WebSocket, code: number): void {
  if (ws.readyState === WebSocket.CLOSED) return;
  ws.close(NEVER_SENT.has(code) ? 1011 : code, "");
}

/** Says why and closes: the answer to a socket that is refused. */
export function refuse(ws: WebSocket, error: ProtocolError): void {
  ws.send(JSON.stringify({ op: "error", ...error.body }));
  ws.close(closeCode(error.code), clipReason(error.code, error.message));
}

/** A refused upgrade as an accepted socket, since browsers can't read a refused one. */
export function refusedUpgrade(error: ProtocolError): Response {
  const [client, server] = Object.values(new WebSocketPair());
  if (client === undefined || server === undefined) throw new TypeError("a WebSocketPair has two ends");
  server.accept();
  refuse(server, error);
  return new Response(null, { status: 101, webSocket: client });
}

/** A close reason is at most 123 bytes. */
function clipReason(code: ErrorCode, message: string): string {
  const reason = `${code}: ${message}`;
  return new TextEncoder().encode(reason).length <= 123 ? reason : code;
}
