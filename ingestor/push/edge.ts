/** The Worker as the ingestor sees it: two REST calls and the publisher sockets. */

import WebSocket from "ws";
import type { IngestReport, Market } from "../../protocol/ingest.ts";
import { marketsBody } from "../../protocol/rest.ts";

export interface EdgeOptions {
  /** `https://tickcast.example.workers.dev` or `http://localhost:8787` */
  readonly url: string;
  readonly token: string;
}

const TIMEOUT = 10_000;
const MAX_FRAME = 16 * 1024 * 1024;

export class Edge {
  readonly #url: string;
  readonly #headers: { readonly Authorization: string };

  constructor({ url, token }: EdgeOptions) {
    this.#url = url.replace(/\/$/, "");
    this.#headers = { Authorization: `Bearer ${token}` };
  }

  /** @throws when the Worker can't be reached or refuses */
  async putMarkets(exchange: string, markets: readonly Market[]): Promise<void> {
    await this.#put(`/v1/ingest/${exchange}/markets`, { markets });
  }

  /** @throws when the Worker can't be reached or refuses */
  async putReport(exchange: string, report: IngestReport): Promise<void> {
    await this.#put(`/v1/ingest/${exchange}/report`, report);
  }

  /** The markets that the registry knows. @throws when the Worker can't be reached */
  async markets(exchange: string): Promise<Market[]> {
    const response = await fetch(`${this.#url}/v1/markets?exchange=${exchange}`, {
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (!response.ok) throw new Error(`reading the registry: HTTP ${response.status}`);
    return marketsBody.parse(await response.json()).markets;
  }

  /** A publisher socket, still connecting: `symbol` is that of an instrument, or `*-QUOTE` with a partition. */
  publish(exchange: string, symbol: string, partition?: number): WebSocket {
    const query = partition === undefined ? "" : `?partition=${partition}`;
    const address = `${this.#url.replace(/^http/, "ws")}/v1/ingest/${exchange}/${encodeURIComponent(symbol)}${query}`;
    return new WebSocket(address, {
      headers: this.#headers,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME,
      handshakeTimeout: TIMEOUT,
    });
  }

  async #put(path: string, body: unknown): Promise<void> {
    const response = await fetch(`${this.#url}${path}`, {
      method: "PUT",
      headers: { ...this.#headers, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    // Read in any case: an answer that nobody reads keeps its connection.
    const answer = await response.text();
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${answer.slice(0, 200)}`);
  }
}
