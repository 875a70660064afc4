import { once } from "node:events";
import { WebSocket } from "ws";
import type { Simulator } from "./simulator.ts";

/** A WebSocket client for tests: keeps every message as text and waits for what a test expects. */
export class TestClient {
  readonly texts: string[] = [];
  readonly socket: WebSocket;
  /** false as soon as one message was not binary. */
  allBinary = true;
  closeCode: number | undefined;
  readonly #waiting = new Set<() => void>();

  private constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data, isBinary) => {
      this.allBinary &&= isBinary;
      this.texts.push(data.toString());
      this.#check();
    });
    this.socket.on("close", (code) => {
      this.closeCode = code;
      this.#check();
    });
  }

  static async open(url: string): Promise<TestClient> {
    const client = new TestClient(url);
    await once(client.socket, "open");
    return client;
  }

  /** A client of Upbit or Bithumb that has subscribed to types, all with the same codes, and has got its snapshots. */
  static async subscribed(
    url: string,
    types: readonly string[],
    codes: readonly string[],
    format?: string,
  ): Promise<TestClient> {
    const client = await TestClient.open(url);
    client.subscribe(types, codes, format);
    await client.until(() => client.texts.length >= types.length * codes.length);
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Subscribes to types, all with the same codes. */
  subscribe(types: readonly string[], codes: readonly string[], format = "DEFAULT"): void {
    this.send([{ ticket: "test" }, ...types.map((type) => ({ type, codes })), { format }]);
  }

  /** The messages that contain `part`. */
  with(part: string): string[] {
    return this.texts.filter((text) => text.includes(part));
  }

  /** Resolves when `ready` holds; it is asked again after each message and at the close. */
  async until(ready: () => boolean): Promise<void> {
    if (ready()) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!ready()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }

  #check(): void {
    for (const check of this.#waiting) check();
  }
}

/** The keys of a frame, in its order. */
export function keysOf(frame: string): string[] {
  return [...frame.matchAll(/"(\w+)":/g)].map((match) => match[1] ?? "");
}

/** The text of a field's value, as it stands in the frame. */
export function fieldOf(frame: string, key: string): string | undefined {
  return new RegExp(`"${key}":("[^"]*"|[^,}\\]]*)`).exec(frame)?.[1];
}

/** To how many sockets each of the last `count` trades was sent, oldest first. */
export function sentTo(simulator: Simulator, count: number): number[] {
  const { trades } = simulator.executed();
  return trades.slice(-count).map((trade) => trade.sentTo);
}
