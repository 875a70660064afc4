import type { WebSocket } from "ws";
import type { OutputGate } from "./gate.ts";

/** A client's socket with the gate before it: what a dialect's connection builds on. */
export class GatedSocket {
  protected readonly socket: WebSocket;
  readonly #gate: OutputGate;
  readonly #binary: boolean;

  /** `binary` says whether all frames go out as binary messages or as text messages. */
  constructor(socket: WebSocket, gate: OutputGate, { binary }: { readonly binary: boolean }) {
    this.socket = socket;
    this.#gate = gate;
    this.#binary = binary;
    // ws closes the socket after a protocol error by itself; without a listener the error would end the process.
    socket.on("error", () => socket.terminate());
  }

  /** false from the moment on that either side closes. */
  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** Sends one frame through the gate; `onSent` when it was handed to the socket. */
  send(frame: string | Buffer, onSent?: () => void): void {
    this.#gate.pass(() => {
      if (!this.isOpen) return false;
      this.socket.send(frame, { binary: this.#binary });
      onSent?.();
      return true;
    });
  }

  /** Cuts the connection without a close frame. */
  cut(): void {
    this.socket.terminate();
  }
}
