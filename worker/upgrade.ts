/** Whether a request asks for a WebSocket; the word is told apart by no case (RFC 9110 §7.8). */
export function wantsSocket(request: Request): boolean {
  return request.headers.get("Upgrade")?.toLowerCase() === "websocket";
}

/**
 * The answer to an upgrade, with no compression agreed to. The runtime would accept whatever the client offers, unless the
 * answer names extensions itself; of those it agrees only to what it knows, and so to none.
 */
export function withoutCompression(request: Request, response: Response): Response {
  // Where nothing was offered, naming anything would be an error.
  if (response.webSocket === null || !request.headers.has("Sec-WebSocket-Extensions")) return response;
  return new Response(null, {
    status: 101,
    webSocket: response.webSocket,
    headers: { "Sec-WebSocket-Extensions": "none" },
  });
}
