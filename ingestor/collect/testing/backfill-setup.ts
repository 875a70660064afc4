/** A backfiller of a log that is told by the test, with a history that answers as the test says. */

import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { until } from "../../../local/testing.ts";
import type { GapEvent, TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import type { History } from "../../exchanges/exchange.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import { Backfiller } from "../backfill/backfiller.ts";
import { TradeDeduplicator } from "../deduplication/trade-deduplicator.ts";

export const BTC = "upbit:BTC-KRW";
export const ETH = "upbit:ETH-KRW";
const listed = upbit.readMarkets('[{"market":"KRW-BTC"},{"market":"KRW-ETH"}]');

export function numbered(name: string, count: number): Market[] {
  return upbit.readMarkets(JSON.stringify(Array.from({ length: count }, (_, i) => ({ market: `KRW-${name}${i}` }))));
}

export function trade(id: number, time = id, instrument = BTC): TradeEvent {
  const rest = { price: "1", size: `${id}`, side: "buy", received: null, snapshot: false } as const;
  return { type: "trade", instrument, id: `${id}`, time, ...rest };
}

/** A history of these pages, which has told everything since `from` (ms). */
export function tells(pages: readonly (readonly TradeEvent[])[], from: number): Partial<History> {
  return {
    async *trades(_market, _range, get) {
      for (const page of pages) {
        await get("/page");
        yield page;
      }
      return from;
    },
  };
}

export interface BackfillOptions {
  /** Beside BTC and ETH. */
  readonly markets?: readonly Market[];
  /** The trades that the log holds. */
  readonly logged?: readonly TradeEvent[];
  /** From when on (ms) the log is known, while what stands before is still being read. */
  readonly knownFrom?: number;
  readonly maxGathered?: number;
  readonly patience?: number;
}

export class BackfillSetup {
  readonly events: (GapEvent | TradeEvent)[] = [];
  /** The paths that the exchange was asked for, ... */
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly deduplicator: TradeDeduplicator;
  readonly backfiller: Backfiller;
  /** ... and how it answers one. */
  answer: (path: string, response: ServerResponse) => void = (_path, response) => response.end("[]");

  private constructor(server: Server, history: Partial<History>, options: BackfillOptions) {
    const { markets = [], logged = [], knownFrom, maxGathered, patience = 60_000 } = options;
    this.#server = server;
    server.on("request", ({ url = "" }, response) => {
      this.asked.push(url);
      this.answer(url, response);
    });
    const unread = knownFrom === undefined ? {} : { unreadSince: 0 };
    this.deduplicator = new TradeDeduplicator(
      [{ events: [...logged], completeFrom: knownFrom ?? 0, completeUntil: null, ...unread }],
      () => 0,
    );
    const all = [...listed, ...markets];
    this.backfiller = new Backfiller({
      history: { ...upbit.history, requests: { count: 1000, per: 1000 }, ...history },
      restUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      deduplicator: this.deduplicator,
      market: (instrument) => all.find((market) => market.instrument === instrument),
      listed: Promise.resolve(),
      append: (event) => this.events.push(event),
      onBody: () => undefined,
      overloaded: () => false,
      logger: pino({ level: "silent" }),
      patience,
      ...(maxGathered === undefined ? {} : { maxGathered }),
    });
  }

  static async open(history: Partial<History>, options: BackfillOptions = {}): Promise<BackfillSetup> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new BackfillSetup(server, history, options);
  }

  stop(): void {
    this.backfiller.stop();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Until all gaps are. */
  closed(): Promise<void> {
    return until(() => this.backfiller.open === 0);
  }

  get gaps(): [state: string, since: number, until: number][] {
    return this.events.flatMap((event) => (event.type === "gap" ? [[event.state, event.since, event.until]] : []));
  }

  /** The ids of the trades that were fetched. */
  get late(): number[] {
    return this.events.flatMap((event) => (event.type === "trade" ? [Number(event.id)] : []));
  }
}
