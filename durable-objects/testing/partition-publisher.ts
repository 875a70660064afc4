/** One partition of an exchange with its real feed and a pusher of it, for tests inside workerd. */

import { env } from "cloudflare:test";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import type { PartitionReply } from "../../protocol/partition-frames.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { LIVE } from "./test-events.ts";
import { openPartitionPublisher, type TestSocket } from "./test-socket.ts";

/** A pusher of one partition, with everything in its ring. */
export class PartitionPublisher {
  readonly socket: TestSocket<PartitionReply>;
  readonly epoch: string;
  readonly log: LoggedEvent[] = [];
  through = 2;

  private constructor(socket: TestSocket<PartitionReply>, exchange: string) {
    this.socket = socket;
    this.epoch = `${exchange}-0`;
  }

  static async open(feed: Parameters<typeof openPartitionPublisher>[0], exchange: string): Promise<PartitionPublisher> {
    return new PartitionPublisher(await openPartitionPublisher(feed, "https://partition/"), exchange);
  }

  /** Takes the idle feed to the present, as it asks for when something is wanted of it. */
  async begin(): Promise<void> {
    this.socket.send({
      op: "tickers",
      epoch: this.epoch,
      from: 0,
      through: this.through,
      tickers: [],
      asOf: Date.now(),
      more: false,
    });
    this.push([]);
  }

  push(events: readonly LoggedEvent[], due: readonly Rate[] = RATES): void {
    const prev = this.through;
    this.through = events.at(-1)?.seq ?? prev;
    this.log.push(...events);
    const asOf = Date.now();
    this.socket.send({ op: "batch", epoch: this.epoch, prev, through: this.through, events, asOf, status: LIVE, due });
  }

  /** Answers a replay from the ring. */
  async answerReplay(): Promise<void> {
    const { id, epoch, from } = await this.socket.next("replay");
    const events = this.log.filter(({ seq }) => seq > from);
    const through = this.through;
    this.socket.send({ op: "replayed", id, epoch, from, through, events, more: false, complete: true });
  }
}

/** Registers an exchange of two markets in one partition, and publishes it. @param exchange a name of the test's own */
export async function servePartition(exchange: string) {
  const [btc, eth] = [`${exchange}:BTC-KRW`, `${exchange}:ETH-KRW`];
  const registry = env.REGISTRY.getByName("registry");
  await registry.putMarkets(
    exchange,
    [btc, eth].map((instrument, i) => ({
      instrument,
      exchange,
      base: i === 0 ? "BTC" : "ETH",
      quote: "KRW",
      nativeSymbol: instrument,
      names: { ko: null, en: null },
      status: null,
      warning: null,
    })),
  );
  const report = { status: LIVE, kafka: "up" as const, lastEventTime: null, term: 1, hints: [], partitions: 1 };
  await registry.putReport(exchange, report);
  const feed = env.PARTITION_FEED.getByName(`${exchange}/0`);
  const publisher = await PartitionPublisher.open(feed, exchange);
  return { exchange, btc, eth, publisher };
}
