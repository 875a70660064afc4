/** The Worker as the ingestor sees it: its REST calls and the publisher sockets. */

import WebSocket from "ws";
import type { Source } from "../../protocol/events.ts";
import {
  type IngestReport,
  type LeaseAnswer,
  type LeaseRequest,
  leaseAnswer,
  type Market,
  type ReportAnswer,
  reportAnswer,
  SOURCE_HEADER,
} from "../../protocol/ingest.ts";
import { marketsBody } from "../../protocol/rest.ts";

export interface EdgeOptions {
  /** `https://tickcast.example.workers.dev` or `http://localhost:8787` */
  readonly url: string;
  readonly token: string;
  /** What the prices are. */
  readonly source: Source;
}

/** Thrown when the edge has understood, and says no: a wrong token, prices of another source. */
export class EdgeRefusal extends Error {
  override readonly name = "EdgeRefusal";
}

const TIMEOUT = 10_000;
const MAX_FRAME = 16 * 1024 * 1024;

export class EdgeClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, token, source }: EdgeOptions) {
    this.#url = url.replace(/\/$/, "");
    this.#headers = { Authorization: `Bearer ${token}`, [SOURCE_HEADER]: source };
  }

  /** Tells the registry the exchange's whole list. @throws when the Worker can't be reached or refuses */
  async putMarkets(exchange: string, markets: readonly Market[]): Promise<void> {
    await this.#call("PUT", `/v1/ingest/${exchange}/markets`, { body: { markets } });
  }

  /** @returns what the ingestor is to do @throws when the Worker can't be reached or refuses */
  async putReport(exchange: string, report: IngestReport): Promise<ReportAnswer> {
    const answer = await this.#call("PUT", `/v1/ingest/${exchange}/report`, { body: report });
    return reportAnswer.parse(JSON.parse(answer));
  }

  /**
   * Asks to collect the exchange, or to go on doing so. The lease runs from before the answer: count its `ttl` from when
   * this was called.
   *
   * @throws when the Worker can't be reached or refuses, or has not answered while the lease could still hold
   */
  async hold(exchange: string, request: LeaseRequest): Promise<LeaseAnswer> {
    const timeout = Math.min(TIMEOUT, request.ttl);
    const answer = await this.#call("POST", `/v1/ingest/${exchange}/lease`, { body: request, timeout });
    return leaseAnswer.parse(JSON.parse(answer));
  }

  /** Gives the lease back, so that the next one need not wait. @throws when the Worker can't be reached or refuses */
  async release(exchange: string, holder: string): Promise<void> {
    await this.#call("DELETE", `/v1/ingest/${exchange}/lease?holder=${encodeURIComponent(holder)}`);
  }

  /** The markets that are collected, as the registry has it. @throws when the Worker can't be reached */
  async markets(exchange: string): Promise<Market[]> {
    const response = await fetch(`${this.#url}/v1/markets?exchange=${exchange}`, {
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (!response.ok) throw new Error(`reading the registry: HTTP ${response.status}`);
    return marketsBody.parse(await response.json()).markets;
  }

  /** The publisher socket of an instrument's feed, still connecting. */
  publish(exchange: string, symbol: string): WebSocket {
    return this.#dial(`/v1/ingest/${exchange}/${encodeURIComponent(symbol)}`);
  }

  /** The publisher socket of a partition's feed, still connecting. */
  publishPartition(exchange: string, partition: number): WebSocket {
    return this.#dial(`/v1/ingest/${exchange}/partitions/${partition}`);
  }

  #dial(path: string): WebSocket {
    return new WebSocket(`${this.#url.replace(/^http/, "ws")}${path}`, {
      headers: this.#headers,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME,
      handshakeTimeout: TIMEOUT,
    });
  }

  async #call(method: string, path: string, options: CallOptions = {}): Promise<string> {
    const { body, timeout = TIMEOUT } = options;
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { ...this.#headers, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeout),
    });
    // Read in any case: an answer that nobody reads keeps its connection.
    const answer = await response.text();
    if (response.ok) return answer;
    const what = `${path}: HTTP ${response.status} ${answer.slice(0, 200)}`;
    throw response.status >= 400 && response.status < 500 ? new EdgeRefusal(what) : new Error(what);
  }
}

interface CallOptions {
  readonly body?: unknown;
  /** How long to wait for the answer, ms. */
  readonly timeout?: number;
}
