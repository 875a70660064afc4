/** Recorded real frames, from the exchange's socket to a client's: each trade once, in order, unchanged, and provably so. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { compare, continuousRuns } from "../ingestor/verify/compare.ts";
import { requireKafka } from "../local/testing.ts";
import { toDecimal } from "../protocol/decimal.ts";
import { haveRecordings, type RecordedUpbit, recordedFrames, startRecordedUpbit } from "./support/recorded-upbit.ts";
import { Recorder } from "./support/recorder.ts";
import { startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
const name = haveRecordings
  ? "recorded frames of Upbit"
  : "recorded frames of Upbit (skipped: ../shared/recordings is not here)";

kafka.describe(name, () => {
  let upbit: RecordedUpbit;
  let stack: TestStack;

  beforeAll(async () => {
    if (!haveRecordings) return;
    upbit = await startRecordedUpbit();
    stack = await startTestStack({
      source: "live",
      simulator: false,
      ingestor: { UPBIT_WS_URL: upbit.wsUrl, UPBIT_REST_URL: upbit.restUrl },
    });
  });

  afterAll(async () => {
    await stack?.stop();
    await upbit?.stop();
  });

  test.skipIf(!haveRecordings)("come out of every instrument's stream as they went in", async () => {
    const expected = expectedTrades();
    expect(expected.size).toBe(3);
    await upbit.subscribed;
    await until(
      async () => ((await stack.get("/v1/markets")).body as { markets: unknown[] }).markets.length === 294,
      "the market list",
    );
    const recorders = new Map(
      [...expected.keys()].map((symbol) => [symbol, new Recorder(stack.url, `upbit:${symbol}@trade@100ms`)]),
    );
    for (const recorder of recorders.values()) await recorder.ready();
    upbit.play();
    for (const [symbol, trades] of expected) {
      const recorder = recorders.get(symbol);
      await until(() => (recorder?.trades.length ?? 0) >= trades.length, `${trades.length} trades of ${symbol}`);
    }
    const logs = await stack.log();
    for (const [symbol, trades] of expected) {
      const recorder = recorders.get(symbol);
      const got = recorder?.trades.map(({ seq: _seq, ...trade }) => trade);
      expect(got, symbol).toEqual(trades);
      const [run, ...more] = continuousRuns(recorder?.items ?? []);
      expect(more, symbol).toEqual([]);
      if (run === undefined) throw new Error(`nothing of ${symbol}`);
      const log = logs.find(({ epoch }) => epoch === run.epoch);
      expect(compare({ ...run, from: 0 }, log?.events ?? []), symbol).toEqual([]);
    }
    for (const recorder of recorders.values()) recorder.close();
    expect(await stack.errors()).toEqual([]);
  });
});

/** What must come out, read from the raw text without our parser. */
function expectedTrades(): Map<string, object[]> {
  const bySymbol = new Map<string, object[]>();
  for (const frame of recordedFrames().filter((text) => text.includes('"ty":"trade"'))) {
    const field = (key: string) => new RegExp(`"${key}":"?([^",}]+)`).exec(frame)?.[1] ?? "";
    const [quote = "", base = ""] = field("cd").split("-");
    const trade = {
      id: field("sid"),
      price: toDecimal(field("tp")),
      size: toDecimal(field("tv")),
      side: field("ab") === "BID" ? "buy" : "sell",
      time: Number(field("ttms")),
    };
    bySymbol.set(`${base}-${quote}`, [...(bySymbol.get(`${base}-${quote}`) ?? []), trade]);
  }
  return bySymbol;
}
