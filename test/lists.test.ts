/** Lists of tickers: as new as the log whatever dies, and at no cost while nobody reads them. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startIngestor } from "../local/ingestor.ts";
import type { Service } from "../local/service.ts";
import { requireKafka } from "../local/testing.ts";
import { type RestTicker, tickersBody } from "../protocol/rest.ts";
import { type SlowProxy, startSlowProxy } from "./support/slow-proxy.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();

/** No list is older than this, ms. */
const FRESH = 2000;
const LINKS = "/v1/ingest/upbit/partitions/";
/** A link's pings take 6 bytes each, every 15 s. */
const PINGS = 4 * 6 * 10;

kafka.describe("lists", () => {
  let stack: TestStack;
  let proxy: SlowProxy;
  let ingestor: Service | undefined;

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 300, spread: "uniform" }, redis: false, ingestor: false });
    proxy = await startSlowProxy(stack.url);
    const env = { ...stack.ingestorEnv, EDGE_URL: proxy.url };
    ingestor = await startIngestor({ env, logFile: join(stack.logDir, "ingestor.log") });
    await pricesFlow(stack);
  });

  afterAll(async () => {
    await ingestor?.kill();
    await proxy?.stop();
    await stack?.stop();
  });

  async function list(): Promise<readonly RestTicker[]> {
    return tickersBody.parse((await stack.get("/v1/tickers?exchange=upbit")).body).tickers;
  }

  /** Instruments of a list whose ticker is older than it may be, or missing, by the log itself. */
  async function tooOld(tickers: readonly RestTicker[], read: number): Promise<string[]> {
    const newest = new Map<string, number>();
    for (const { events } of await stack.log()) {
      for (const { seq, event } of events) {
        if (event.type === "ticker" && (event.received ?? 0) <= read - FRESH) newest.set(event.instrument, seq);
      }
    }
    return tickers.flatMap(({ instrument, seq }) => ((seq ?? 0) < (newest.get(instrument) ?? 0) ? [instrument] : []));
  }

  async function expectFresh(): Promise<void> {
    const read = Date.now();
    const tickers = await list();
    expect(tickers.length).toBeGreaterThan(20);
    expect(await tooOld(tickers, read)).toEqual([]);
  }

  async function filled(): Promise<Map<string, RestTicker>> {
    return new Map((await list()).filter(({ ticker }) => ticker !== null).map((one) => [one.instrument, one]));
  }

  /** A pusher has answered the partitions' feeds; of the links of before there is nothing left. */
  async function fedAgain(): Promise<void> {
    await until(() => proxy.sent(LINKS) === 0, "the links cut");
    const isFed = (partition: number) => proxy.sent(`${LINKS}${partition}`) > 200;
    await until(async () => (await list()).length > 0 && [0, 1, 2, 3].every(isFed), "every partition fed again");
  }

  /** That many more trades have been executed: time, by what happens in it. */
  async function moreTrades(count: number): Promise<void> {
    // Counted by their numbers: the simulator keeps only so many of them.
    const traded = () => stack.simulator?.state().head ?? 0;
    const before = traded();
    await until(() => traded() > before + count, `${count} trades`);
  }

  test("are never older than two seconds, read again and again or after a pause", async () => {
    for (let i = 0; i < 4; i += 1) await expectFresh();
    // Longer than an object stays awake for nothing.
    await moreTrades(4000);
    await expectFresh();
  });

  test("that nobody reads cost no message", async () => {
    await moreTrades(500);
    const before = proxy.sent(LINKS);
    await moreTrades(4000);
    expect(proxy.sent(LINKS) - before).toBeLessThanOrEqual(PINGS);
    await list();
    expect(proxy.sent(LINKS) - before).toBeGreaterThan(10_000);
  });

  test("are right within two seconds of a reading once the Worker is back", async () => {
    await stack.worker.kill();
    await stack.worker.start();
    await fedAgain();
    await expectFresh();
  });

  test("still show every ticker while no pusher is there, and are right again when one is", async () => {
    await moreTrades(300);
    const before = await filled();
    await ingestor?.kill();
    // The objects' memory goes as well: what is left is in the instruments' own feeds.
    await stack.worker.kill();
    await stack.worker.start();
    const alone = await filled();
    expect([...alone.keys()].sort()).toEqual([...before.keys()].sort());
    // None from nowhere, and each as it stands in the log.
    expect([...alone.values()].filter(({ epoch, seq }) => epoch === null || seq === null)).toEqual([]);
    await ingestor?.start();
    await fedAgain();
    // It answers before it has read what was logged since the commit.
    await until(async () => {
      const read = Date.now();
      return (await tooOld(await list(), read)).length === 0;
    }, "the pusher caught up");
    await expectFresh();
  });
});
