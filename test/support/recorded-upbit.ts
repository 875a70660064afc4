/** A server in Upbit's place that plays recorded frames: what really was on the wire, byte for byte. */

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";

const FOLDER = fileURLToPath(new URL("../../../shared/recordings/upbit/", import.meta.url));
const FRAMES = `${FOLDER}cryptofeed__ws_simple__trade_orderbook__20210417.jsonl`;
const MARKETS = `${FOLDER}cryptofeed__rest_market_all__20210417.json`;

/** Whether the recordings are there: they are not part of this project. */
export const haveRecordings = existsSync(FRAMES) && existsSync(MARKETS);

/** The recorded frames' texts, in order. */
export function recordedFrames(): string[] {
  const lines = readFileSync(FRAMES, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as { frame: string }).frame);
}

export interface RecordedUpbit {
  readonly wsUrl: string;
  readonly restUrl: string;
  /** Resolves when a collector has subscribed. */
  readonly subscribed: Promise<void>;
  /** Sends every frame to it. */
  play(): void;
  stop(): Promise<void>;
}

export async function startRecordedUpbit(): Promise<RecordedUpbit> {
  const markets = readFileSync(MARKETS);
  const http = createServer((_request, response) =>
    response.setHeader("Content-Type", "application/json").end(markets),
  );
  const sockets = new WebSocketServer({ server: http });
  const { promise: subscribed, resolve } = Promise.withResolvers<void>();
  let collector: WebSocket | undefined;
  sockets.on("connection", (socket) => {
    socket.on("message", () => {
      collector = socket;
      // Upbit answers at once; a silent socket does not count as connected.
      socket.send(Buffer.from('{"status":"UP"}'));
      resolve();
    });
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  const { port } = http.address() as AddressInfo;
  return {
    wsUrl: `ws://127.0.0.1:${port}/websocket/v1`,
    restUrl: `http://127.0.0.1:${port}`,
    subscribed,
    play() {
      for (const frame of recordedFrames()) collector?.send(Buffer.from(frame));
    },
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((closed) => http.close(closed));
    },
  };
}
