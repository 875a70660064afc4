/** What every kind of socket here has in common. */

import { z } from "zod";
import { closeCode, type ErrorCode, ProtocolError } from "../protocol/errors.ts";
import { upgradeIngest } from "../protocol/ingest-version.ts";
import { controlEvent } from "../protocol/server-sent-events.ts";
import { NewerVersionError } from "../protocol/versioned.ts";

/** In which form a client takes frames: as JSON, or as server-sent events, which the Worker passes on as they are. */
export type WireFormat = "json" | "sse";

/** What is reported of a close without a code. */
const NO_CODE = 1005;
/** Codes that a peer's end may report but that nobody may send: `close()` throws on them. */
const NEVER_SENT = new Set([1004, 1006, 1015]);

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
  // Answered as it came (RFC 6455 §5.5.1): without a code.
  if (code === NO_CODE) {
    ws.close();
    return;
  }
  const sendable = code >= 1000 && code < 5000 && !NEVER_SENT.has(code);
  ws.close(sendable ? code : 1011, "");
}

/** Says why and closes, if it is still there: the answer to a socket that is refused, or sent away. */
export function refuse(ws: WebSocket, error: ProtocolError, format: WireFormat = "json"): void {
  const frame = JSON.stringify({ op: "error", ...error.body });
  if (!sendOrDrop(ws, format === "sse" ? controlEvent(frame) : frame)) return;
  ws.close(closeCode(error.code), clipReason(error.code, error.message));
}

/**
 * What a pusher sent, in whatever version, or what is wrong with it. It is returned rather than thrown: an error thrown in a socket's handler is
 * told to nobody, and the sender would go on.
 */
export function readFrame<T extends z.ZodType>(schema: T, message: string | ArrayBuffer): z.infer<T> | ProtocolError {
  try {
    const result = schema.safeParse(upgradeIngest(JSON.parse(String(message))));
    return result.success ? result.data : new ProtocolError("bad_request", z.prettifyError(result.error));
  } catch (error) {
    if (error instanceof NewerVersionError) return new ProtocolError("bad_request", error.message);
    if (error instanceof SyntaxError) return new ProtocolError("bad_request", "send one JSON object a message");
    throw error;
  }
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
