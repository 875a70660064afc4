/**
 * A relay's sockets to partition feeds: each is opened, and opened again when it is lost, for as long as something is wanted of
 * the partition.
 */

import { backOff } from "exponential-backoff";
import { ProtocolError } from "../../protocol/errors.ts";

/** What comes over the links. */
export interface LinkEvents {
  readonly opened: (partition: string) => void;
  /** @throws {ProtocolError} where it is no frame of a feed: the link is opened anew */
  readonly message: (partition: string, text: string) => void;
  readonly lost: (partition: string) => void;
}

interface Link {
  readonly partition: string;
  socket: WebSocket | undefined;
}

/** A feed that restarts is there again within milliseconds; one that can't be reached is asked every few seconds. */
const PAUSES = { startingDelay: 50, maxDelay: 5000, jitter: "full", numOfAttempts: Number.POSITIVE_INFINITY } as const;

export class PartitionLinks {
  readonly #dial: (partition: string) => Promise<WebSocket>;
  readonly #events: LinkEvents;
  readonly #links = new Map<string, Link>();

  /** @param dial opens a socket to a feed, `upbit/2`; it is not accepted yet */
  constructor(dial: (partition: string) => Promise<WebSocket>, events: LinkEvents) {
    this.#dial = dial;
    this.#events = events;
  }

  /** How many partitions are wanted. */
  get size(): number {
    return this.#links.size;
  }

  open(partition: string): void {
    const link = { partition, socket: undefined };
    this.#links.set(partition, link);
    this.#connect(link);
  }

  close(partition: string): void {
    const link = this.#links.get(partition);
    this.#links.delete(partition);
    link?.socket?.close(1000);
  }

  send(partition: string, text: string): void {
    this.#links.get(partition)?.socket?.send(text);
  }

  #connect(link: Link): void {
    const isWanted = () => this.#isWanted(link);
    backOff(() => this.#dial(link.partition), { ...PAUSES, retry: isWanted }).then(
      (socket) => this.#onOpen(link, socket),
      (error: unknown) => {
        if (isWanted()) throw error;
      },
    );
  }

  #onOpen(link: Link, socket: WebSocket): void {
    socket.accept();
    if (!this.#isWanted(link)) {
      socket.close(1000);
      return;
    }
    link.socket = socket;
    socket.addEventListener("message", ({ data }) => this.#onMessage(link, socket, String(data)));
    socket.addEventListener("close", () => this.#onLost(link, socket));
    socket.addEventListener("error", () => this.#onLost(link, socket));
    this.#events.opened(link.partition);
  }

  #onMessage(link: Link, socket: WebSocket, text: string): void {
    if (link.socket !== socket) return;
    try {
      this.#events.message(link.partition, text);
    } catch (error) {
      // Whatever it is, what comes behind it can't be trusted: everything is asked for anew.
      const isFrame = !(error instanceof ProtocolError);
      console.error(`${link.partition} ${isFrame ? "could not be taken in" : "sent what is no frame"}:`, error);
      socket.close(4200);
      this.#onLost(link, socket);
    }
  }

  #onLost(link: Link, socket: WebSocket): void {
    if (link.socket !== socket) return;
    link.socket = undefined;
    if (!this.#isWanted(link)) return;
    this.#events.lost(link.partition);
    // Its loss may have been the end of those who wanted it.
    if (this.#isWanted(link)) this.#connect(link);
  }

  #isWanted(link: Link): boolean {
    return this.#links.get(link.partition) === link;
  }
}
