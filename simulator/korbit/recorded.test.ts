import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Simulator } from "../simulator.ts";
import { startSimulator } from "../start-simulator.ts";
import { TestClient } from "../test-client.ts";
import { haveRecordings, recordedFrames } from "../test-recordings.ts";
import { korbit } from "./dialect.ts";

const recorded = "korbit/quoted_captures__ws_v2__ticker_trade_control__20260923.jsonl";
const examples = "examples/korbit.jsonl";
const row = "korbit/quoted_captures__rest_currencyPairs_row__20260923.jsonl";

/** A frame's keys in their order, with how each value is spelled: whole and broken numbers are the same, an exponent is not. */
function shape(frame: string): string {
  return frame
    .replace(/"(?:btc|eth)_krw"/g, '"<symbol>"')
    .replace(/"-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?"/g, '"<decimal>"')
    .replace(/true|false/g, "<flag>")
    .replace(/:\d{13}(?=[,}])/g, ":<ms>")
    .replace(/:\d+(?=[,}])/g, ":<whole>");
}

let sim: Simulator;
let client: TestClient;
beforeAll(async () => {
  sim = await startSimulator({ dialect: korbit, paused: true });
  client = await TestClient.open(sim.wsUrl);
  const symbols = ["btc_krw", "eth_krw"];
  client.send([
    { method: "subscribe", type: "ticker", symbols, requestId: 1 },
    { method: "subscribe", type: "trade", symbols },
    { method: "subscribe", type: "trade", symbols: ["nope_krw"], requestId: 2 },
  ]);
  client.send({});
  await client.until(() => client.texts.length === 7);
  for (let made = 0; made < 20; made += 1) sim.engine.execute("KRW-BTC");
  await client.until(() => client.texts.length === 47);
});
afterAll(() => sim.stop());

const distinct = (frames: readonly string[], part: string) => [
  ...new Set(frames.filter((frame) => frame.includes(part)).map(shape)),
];

describe.skipIf(!haveRecordings)(
  "frames recorded from Korbit, and its examples (skipped without the recordings)",
  () => {
    test.each([`"type":"ticker","snapshot"`, `"type":"ticker","data"`, `"type":"trade","snapshot"`])(
      "%s: the same keys in the same order, values spelled the same way",
      (part) => {
        const real = distinct(recordedFrames(recorded, examples), part);
        expect(real).toHaveLength(1);
        expect(distinct(client.texts, part)).toEqual(real);
      },
    );

    test("a live trade frame differs from a recorded snapshot by the mark alone", () => {
      const [real = ""] = distinct(recordedFrames(recorded), `"type":"trade"`);
      expect(distinct(client.texts, `"type":"trade","data"`)).toEqual([real.replace(`"snapshot":<flag>,`, "")]);
    });

    test("answers are the recorded ones to the letter", () => {
      const answers = recordedFrames(recorded).filter((frame) => frame.includes(`"status"`));
      expect(answers).toHaveLength(3);
      expect(client.with(`"status"`)).toEqual(answers);
    });

    test("a market is listed as recorded", async () => {
      const pairs = await (await fetch(`${sim.restUrl}/v2/currencyPairs`)).text();
      expect(pairs).toContain(recordedFrames(row)[0]);
    });
  },
);
