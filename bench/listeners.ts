/** Many clients of one stream, as plain sockets: they count what they are sent, and read nothing of it. */

import WebSocket from "ws";

/** As many are let in at once. */
const AT_ONCE = 100;

export class Listeners {
  readonly #sockets: WebSocket[] = [];
  /** Data frames that all of them together have been sent. */
  frames = 0;

  /** Resolves when all are subscribed. @param url of the Worker @param name `upbit:B0-KRW@trade@raw` */
  static async open(url: string, name: string, count: number): Promise<Listeners> {
    const listeners = new Listeners();
    for (let left = count; left > 0; left -= AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => listeners.#join(url, name)));
    }
    return listeners;
  }

  /** Resolves when all are gone. */
  async close(): Promise<void> {
    const gone = this.#sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const socket of this.#sockets) socket.close(1000);
    await Promise.all(gone);
  }

  #join(url: string, name: string): Promise<void> {
    const path = name.slice(0, name.indexOf("@")).replace(":", "/");
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/stream/${path}`, { perMessageDeflate: false });
    this.#sockets.push(socket);
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("close", (code) => reject(new Error(`a client of ${name} was sent away: ${code}`)));
      socket.once("open", () => socket.send(JSON.stringify({ op: "subscribe", streams: [name] })));
      socket.on("message", (data) => {
        const text = String(data);
        if (text.startsWith('{"op":"data"')) this.frames += 1;
        else if (text.startsWith('{"op":"subscribed"')) resolve();
        else if (text.startsWith('{"op":"probe"')) socket.send(text.replace("probe", "ack"));
      });
    });
  }
}
