/**
 * Notices a publisher socket whose other end has gone without a word: TCP alone gives up after many minutes. A protocol
 * ping is answered by the runtime, also for an object that hibernates: it wakes nothing, and it is not billed.
 */

import type WebSocket from "ws";

export interface Keepalive {
  /** Between two pings, ms. */
  readonly period: number;
  /** How long an answer may take, ms. */
  readonly patience: number;
}

export const KEEPALIVE: Keepalive = { period: 15_000, patience: 10_000 };

/** Pings the open socket until it closes; ends it when neither a pong nor anything else comes in time. */
export function keepAlive(socket: WebSocket, { period, patience }: Keepalive, onSilent: () => void): void {
  let deadline: NodeJS.Timeout | undefined;
  const hear = () => {
    clearTimeout(deadline);
    deadline = undefined;
  };
  const ping = () => {
    socket.ping();
    deadline ??= expectAnswer();
  };
  const expectAnswer = () => {
    const judge = () => {
      if (deadline !== expected) return;
      onSilent();
      socket.terminate();
    };
    // What came while this process was busy lies unread until the event loop has gone round once.
    const expected = setTimeout(() => setImmediate(judge), patience);
    return expected;
  };
  // All sockets of a start would ping in the same moment.
  let timer = setTimeout(() => {
    ping();
    timer = setInterval(ping, period);
  }, Math.random() * period);
  socket.on("pong", hear);
  socket.on("message", hear);
  socket.on("close", () => {
    clearTimeout(timer);
    hear();
  });
}
