/** Whether a request asks for a WebSocket; the word is told apart by no case (RFC 9110 §7.8). */
export function wantsSocket(request: Request): boolean {
  return request.headers.get("Upgrade")?.toLowerCase() === "websocket";
}
