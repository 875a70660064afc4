/** The objects' storage is set back to an earlier moment while nothing runs: the log gives back what they have lost. */

import { cp, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createKafka, names } from "../ingestor/log/kafka/client.ts";
import { committedOffsets } from "../ingestor/log/kafka/offsets.ts";
import { createLogger } from "../ingestor/logger.ts";
import type { PartitionLog } from "../ingestor/verify/read-log.ts";
import { requireKafka } from "../local/testing.ts";
import { backfilled, expectNoRepeats, expectUnbroken, untilStill } from "./support/complete.ts";
import { Recorder } from "./support/recorder.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
const SYMBOLS = ["BTC-KRW", "ETH-KRW", "XRP-KRW"];
const STREAMS = SYMBOLS.map((symbol) => `upbit:${symbol}@trade@raw`);

kafka.describe("storage that was rolled back", () => {
  let stack: TestStack;
  let recorders: Recorder[] = [];

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 300, spread: "uniform" }, redis: false });
    await pricesFlow(stack);
  });

  afterAll(async () => {
    for (const recorder of recorders) recorder.close();
    await stack?.stop();
  });

  test("is noticed by the next pusher, and the feeds lack nothing afterwards", async () => {
    const [feeds, saved] = await storage();
    const { head = 0 } = stack.simulator?.state() ?? {};
    recorders = STREAMS.map((stream) => new Recorder(stack.url, stream));
    await moreTrades(10);
    await whileStopped(() => cp(feeds, saved, { recursive: true }));
    await moreTrades(1);
    const from = recorders[0]?.last;
    await moreTrades(10);
    await committed(await settled(head));
    await whileStopped(async () => {
      await rm(feeds, { recursive: true });
      await cp(saved, feeds, { recursive: true });
    });
    stack.simulator?.pace.resume();
    await moreTrades(10);
    const logs = await settled(head);
    expectNoRepeats(logs);
    for (const recorder of recorders) expectUnbroken(recorder, logs);
    for (const symbol of SYMBOLS) {
      const { body } = await stack.get(`/v1/trades/upbit/${symbol}?limit=1000`);
      const told = (body as { trades: { id: string }[] }).trades.map(({ id }) => id);
      expect(told, symbol).toEqual(tradesIn(logs, `upbit:${symbol}`).slice(-1000));
    }
    const late = new Recorder(stack.url, STREAMS[0] ?? "", from);
    recorders.push(late);
    await late.ready();
    expect(late.subscribed[0]?.recovered).toBe(true);
    await until(() => late.last?.seq === recorders[0]?.last?.seq, "all that came after the position");
    expect(late.trades.map(({ id }) => id)).toEqual(tradesIn(logs, "upbit:BTC-KRW", from?.seq));
  });

  /** Nothing is traded any more, everything that was is in the log, and the clients have it. */
  async function settled(head: number): Promise<PartitionLog[]> {
    await untilStill(stack, recorders);
    const logs = await backfilled(stack, head);
    for (const { stream, items } of recorders) {
      const last = eventsIn(logs, stream.slice(0, stream.indexOf("@"))).at(-1)?.seq;
      await until(() => items.at(-1)?.seq === last, `${stream}: position ${last}`);
    }
    return logs;
  }

  /** Where the runtime keeps what the feeds store, and a place for a copy. */
  async function storage(): Promise<[string, string]> {
    const root = join(dirname(stack.logDir), "worker");
    const folders = await readdir(root, { recursive: true });
    const feeds = folders.filter((path) => path.endsWith("SymbolFeed"));
    expect(feeds.length).toBe(1);
    return [join(root, feeds[0] ?? ""), join(dirname(stack.logDir), "saved")];
  }

  /** Resolves when the pusher has committed every event: what is rolled back after that, no reading from the commit brings. */
  async function committed(logs: readonly PartitionLog[]): Promise<void> {
    const admin = createKafka({ brokers: stack.kafka?.brokers ?? [], ssl: false }, createLogger("silent")).admin();
    await admin.connect();
    const { group, ticks } = names("sim.", "upbit");
    const isCommitted = async () => {
      const offsets = await committedOffsets(admin, group, ticks);
      return logs.every(({ events }, i) => (offsets.get(i)?.offset ?? 0) > (events.at(-1)?.seq ?? 0));
    };
    await until(isCommitted, "every event committed");
    await admin.disconnect();
  }

  /** Both are stopped in good order: everything is stored, acked and committed. */
  async function whileStopped(act: () => Promise<void>): Promise<void> {
    await stack.ingestor?.stop();
    await stack.worker.stop();
    await act();
    await stack.worker.start();
    await stack.ingestor?.start();
  }

  async function moreTrades(count: number): Promise<void> {
    const before = recorders.map(({ trades }) => trades.length);
    await until(
      () => recorders.every(({ trades }, i) => trades.length >= (before[i] ?? 0) + count),
      `${count} more trades of each`,
    );
  }
});

/** An instrument's events of the stream `trade`. */
function eventsIn(logs: readonly PartitionLog[], instrument: string) {
  const all = logs.flatMap(({ events }) => events);
  return all.filter(({ event }) => event.instrument === instrument && event.type !== "ticker");
}

/** The ids of its trades after a position. */
function tradesIn(logs: readonly PartitionLog[], instrument: string, after = 0): string[] {
  return eventsIn(logs, instrument).flatMap(({ seq, event }) =>
    event.type === "trade" && seq > after ? [event.id ?? ""] : [],
  );
}
