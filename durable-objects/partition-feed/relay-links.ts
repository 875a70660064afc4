/**
 * The sockets of relays at a partition's feed. They outlive the object's memory, but what the relays wanted does not: those that
 * are found at a start are closed, and the relays dial again and go on from where they were.
 */

import type { CloseReason } from "../../protocol/edge-counts.ts";
import { closeCode, ProtocolError } from "../../protocol/errors.ts";
import { encodeRelayFrame, type RelayHead } from "../../protocol/relay-frames.ts";
import type { EdgeCounters, Gauges } from "../edge-counters.ts";

const TAG = "relay";
/** Bytes that may wait for a relay. It takes what it is sent, or it is stuck; what it lacks then it asks for again. */
const BOUND = 8 * 1024 * 1024;

export interface RelayLink {
  readonly ws: WebSocket;
  /** The relay's name. */
  readonly relay: string;
  /** The streams and wildcards that it is sent. */
  readonly wants: Set<string>;
}

export class RelayLinks {
  readonly #ctx: DurableObjectState;
  readonly #links = new Map<WebSocket, RelayLink>();
  readonly #counters: EdgeCounters;
  readonly #onLeft: (link: RelayLink) => void;

  /**
   * @param counters of the feed
   * @param onLeft hears of a link that is gone, whichever end has closed it
   */
  constructor(ctx: DurableObjectState, counters: EdgeCounters, onLeft: (link: RelayLink) => void) {
    this.#ctx = ctx;
    this.#counters = counters;
    this.#onLeft = onLeft;
    const forgotten = new ProtocolError("restarting", "this feed has lost its memory");
    for (const ws of ctx.getWebSockets(TAG)) {
      if (ws.readyState === WebSocket.OPEN) counters.closed(forgotten.code);
      close(ws, forgotten);
    }
  }

  /** Links, and the names that are wanted over each. */
  get gauges(): Gauges {
    let streams = 0;
    for (const { wants } of this.#links.values()) streams += wants.size;
    return { clients: this.#links.size, streams };
  }

  get all(): Iterable<RelayLink> {
    return this.#links.values();
  }

  /** A relay has one link: a newer one takes the place of the one before. @param relay its name */
  accept(ws: WebSocket, relay: string): void {
    const replaced = new ProtocolError("restarting", "this relay has dialled again");
    for (const link of [...this.#links.values()]) if (link.relay === relay) this.close(link, replaced);
    this.#ctx.acceptWebSocket(ws, [TAG]);
    this.#links.set(ws, { ws, relay, wants: new Set() });
  }

  /** Undefined for a socket that is none of a relay, or is closed. */
  of(ws: WebSocket): RelayLink | undefined {
    return this.#links.get(ws);
  }

  /** Sends, unless so much waits for the relay that it must be stuck: then the link is closed. */
  send(link: RelayLink, head: RelayHead, lines?: readonly string[]): void {
    const { ws } = link;
    if (!this.#links.has(ws) || ws.readyState !== WebSocket.OPEN) return;
    if (queued(ws) > BOUND) {
      this.close(link, new ProtocolError("restarting", "this relay does not take what it is sent"), "slow_consumer");
      return;
    }
    const text = encodeRelayFrame(head, lines);
    ws.send(text);
    this.#counters.frames += 1;
    this.#counters.bytes += text.length;
    this.#counters.items += lines?.length ?? 0;
  }

  sendAll(head: RelayHead): void {
    for (const link of this.#links.values()) this.send(link, head);
  }

  /** @param why what it is counted as */
  close(link: RelayLink, error: ProtocolError, why: CloseReason = error.code): void {
    if (!this.#links.has(link.ws)) return;
    this.leave(link.ws, why);
    close(link.ws, error);
  }

  /** The socket is closed. Nothing happens where it was none of a relay. @param why it is closed */
  leave(ws: WebSocket, why: CloseReason = "left"): void {
    const link = this.#links.get(ws);
    if (link === undefined) return;
    this.#links.delete(ws);
    this.#counters.closed(why);
    this.#onLeft(link);
  }
}

function close(ws: WebSocket, { code, message }: ProtocolError): void {
  if (ws.readyState === WebSocket.OPEN) ws.close(closeCode(code), message.slice(0, 100));
}

/** Bytes that the runtime holds for the other end; 0 on a runtime that can't tell. */
function queued(ws: WebSocket): number {
  return typeof ws.bufferedAmount === "number" ? ws.bufferedAmount : 0;
}
