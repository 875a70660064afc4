import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const REPLAY = fileURLToPath(new URL("replay.ts", import.meta.url));
const TRADE =
  '{"type":"trade","code":"KRW-BTC","trade_timestamp":1788335180000,"trade_price":5,"trade_volume":0.5,' +
  '"ask_bid":"BID","sequential_id":17883351803770004,"stream_type":"REALTIME"}';

function recording(...lines: readonly object[]): string {
  const folder = mkdtempSync(join(tmpdir(), "replay-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "frames.jsonl");
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

async function replay(...args: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const { KAFKA_BROKERS: _brokers, ...env } = process.env;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", REPLAY, ...args], {
    env: { ...env, DATA_DIR: "/nowhere" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, out, err: err.trimEnd() };
}

test.each([
  [[], /missing required argument/],
  [["ticks.upbit"], /^"ticks.upbit" is no topic: raw.upbit, for example; a file needs --exchange/],
  [["raw.mtgox"], /^there is no exchange "mtgox": use /],
  [["raw.upbit", "--from", "noon"], /^--from: "noon" is no time: /],
  [["raw.upbit", "--from", "2026-11-02", "--to", "2026-11-01"], /^--to: it must be later than --from$/],
  [["raw.upbit", "--markets", "/nowhere/m.json"], /^--markets: \/nowhere\/m.json: ENOENT/],
  [["raw.upbit", "--brokers", "nowhere"], /^--brokers: host:port is needed/],
  [["raw.upbit"], /^which Kafka\? Set KAFKA_BROKERS/],
  [["/nowhere/frames.jsonl", "--exchange", "upbit"], /^ENOENT: .*frames.jsonl/],
])("%j is refused", async (args, reason) => {
  const { code, out, err } = await replay(...args);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(reason);
});

test("Kafka that does not answer: says which", async () => {
  const { code, err } = await replay("raw.upbit", "--brokers", "localhost:1");
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^cannot read from Kafka at localhost:1: .+/) });
  expect(err.split("\n")).toHaveLength(1);
});

test("frames of which nobody knows when they were received can't be compared", async () => {
  const { code, err } = await replay(recording({ recv: null, frame: TRADE }), "--exchange", "upbit");
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("only --events can read it") });
});

test("prints the events of a file, and says what can't be read", async () => {
  const file = recording({ recv: 1, frame: TRADE }, { recv: 2, frame: "{" }, { recv: 3, frame: TRADE });
  const { code, out, err } = await replay(file, "--exchange", "upbit", "--events", "--to", "1970-01-01T00:00:02.500Z");
  expect(code).toBe(1);
  expect(
    out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ type: "trade", received: 1000 }]);
  expect(err).toMatch(/^line 2: not JSON: /);
});
