import type { WebSocket } from "ws";

/** Pings a socket every `pingMs` and cuts it when a ping is still unanswered as the next one is due; ends with the socket. */
export function keepAlive(socket: WebSocket, pingMs: number): void {
  let answered = true;
  const beat = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping("ping");
  }, pingMs);
  socket.on("pong", () => {
    answered = true;
  });
  socket.on("close", () => clearInterval(beat));
}
