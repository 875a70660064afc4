/** Without Kafka the log dies with the ingestor: the next one is a new epoch, and every client gets a gap. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Recorder } from "./support/recorder.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

describe("direct mode", () => {
  let stack: TestStack;
  let recorder: Recorder;

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 300 }, kafka: false, redis: false });
    await pricesFlow(stack);
    recorder = new Recorder(stack.url, "upbit:BTC-KRW@trade@raw");
    await until(() => recorder.trades.length > 10, "trades");
  });

  afterAll(async () => {
    recorder?.close();
    await stack?.stop();
  });

  test("the Worker killed: nothing is lost, for the log is alive", async () => {
    const before = recorder.last;
    await stack.worker.kill();
    await stack.worker.start();
    await recorder.ready(2);
    await until(() => recorder.trades.length > 50, "trades");
    expect(recorder.subscribed[1]).toMatchObject({ recovered: true });
    expect(recorder.last?.epoch).toBe(before?.epoch);
    const received = recorder.trades.map(({ id }) => id);
    expect(new Set(received).size).toBe(received.length);
    const newest = stack.executed().findIndex(({ id, market }) => market === "KRW-BTC" && id === received.at(-1));
    const first = stack.executed().findIndex(({ id, market }) => market === "KRW-BTC" && id === received[0]);
    const executed = stack.executed().slice(first, newest + 1);
    expect(received).toEqual(executed.filter(({ market }) => market === "KRW-BTC").map(({ id }) => id));
  });

  test("the ingestor killed: a new epoch, with a snapshot and a gap", async () => {
    const before = recorder.last?.epoch;
    const count = recorder.items.length;
    await stack.ingestor?.kill();
    await stack.ingestor?.start();
    await until(() => recorder.last?.epoch !== before, "a new epoch");
    await until(() => recorder.items.length > count + 10, "items");
    const [snapshot, gap] = recorder.items.slice(recorder.items.findIndex(({ epoch }) => epoch !== before));
    expect(snapshot).toMatchObject({ snapshot: true, prev: 0, n: 0 });
    expect(gap).toMatchObject({ prev: snapshot?.seq, n: 0, gap: { cause: "epoch_changed", state: "lost" } });
  });
});
