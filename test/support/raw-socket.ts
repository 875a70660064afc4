/** A plain WebSocket that keeps every frame: to see what is really sent. */

import WebSocket from "ws";
import type { DataItem } from "../../protocol/frames.ts";

export class RawSocket {
  readonly frames: { op: string; [field: string]: unknown }[] = [];
  readonly items: DataItem[] = [];
  closeCode: number | undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as { op: string; data?: DataItem[] };
      this.frames.push(frame);
      if (frame.op === "data") this.items.push(...(frame.data ?? []));
    });
    socket.on("close", (code) => {
      this.closeCode = code;
    });
  }

  /** Resolves when it is open. @param url of the Worker, `http://…` */
  static async open(url: string, path: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const socket = new WebSocket(url.replace(/^http/, "ws") + path, { perMessageDeflate: false, headers });
    const raw = new RawSocket(socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return raw;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  close(): void {
    this.#socket.close();
  }
}
