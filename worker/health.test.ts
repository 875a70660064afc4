/** In a file of its own: how well all is depends on everything that has reported. */

import { env, SELF } from "cloudflare:test";
import { expect, it } from "vitest";
import { Directory } from "../durable-objects/registry/directory.ts";
import { REPORT_LIFE } from "../durable-objects/registry/registry.ts";
import { LIVE } from "../durable-objects/testing/test-events.ts";
import type { IngestReport } from "../protocol/ingest.ts";
import { exchangesBody, healthBody } from "../protocol/rest.ts";
import type { Env } from "./env.ts";
import { exchangeStatuses } from "./exchange-status.ts";
import { checkHealth, modeOf } from "./health.ts";

const HOST = "https://tickcast.test";

async function send(
  exchange: string,
  kafka: IngestReport["kafka"],
  state: "live" | "stale" | "down",
  hints: string[] = [],
) {
  const body: IngestReport = { status: { ...LIVE, state }, kafka, lastEventTime: null, term: 0, hints };
  const init = { method: "PUT", headers: { Authorization: `Bearer ${env.INGEST_TOKEN}` }, body: JSON.stringify(body) };
  expect((await SELF.fetch(`${HOST}/v1/ingest/${exchange}/report`, init)).status).toBe(200);
}

async function health() {
  const response = await SELF.fetch(`${HOST}/v1/health`);
  return { code: response.status, ...healthBody.parse(await response.json()) };
}

it("is down, ok or degraded as its parts are", async () => {
  expect(await health()).toMatchObject({ code: 503, status: "down", mode: "direct", components: { exchanges: {} } });
  await send("upbit", "absent", "live", ["install Java"]);
  expect(await health()).toMatchObject({
    code: 200,
    status: "ok",
    mode: "direct",
    hints: ["install Java"],
    components: { kafka: { state: "absent" }, redis: { state: "absent" }, exchanges: { upbit: { state: "live" } } },
  });
  await send("upbit", "up", "live");
  await send("korbit", "up", "stale");
  expect(await health()).toMatchObject({ code: 200, status: "degraded", mode: "kafka" });
  await send("korbit", "down", "live");
  expect(await health()).toMatchObject({ code: 200, status: "degraded", components: { kafka: { state: "down" } } });
  await send("upbit", "up", "down");
  await send("korbit", "up", "down");
  expect(await health()).toMatchObject({ code: 503, status: "down" });
  const { exchanges } = exchangesBody.parse(await (await SELF.fetch(`${HOST}/v1/exchanges`)).json());
  expect(exchanges.map(({ exchange, state }) => [exchange, state])).toEqual([
    ["korbit", "down"],
    ["upbit", "down"],
  ]);
});

it("does not mind an exchange of which the operator has left everything out", () => {
  const directory = new Directory("1", { korbit: [] }, {});
  expect(["korbit", "upbit"].map((exchange) => directory.isDropped(exchange))).toEqual([true, false]);
});

it("takes no report for none, and an old one for a dead ingestor of the same mode", () => {
  const now = 1_000_000;
  const held = {
    status: LIVE,
    kafka: "up" as const,
    lastEventTime: null,
    term: 0,
    hints: [],
    at: now - REPORT_LIFE - 1,
  };
  const directory = new Directory("1", { korbit: [] }, { upbit: held });
  expect(exchangeStatuses(directory, now)).toMatchObject([
    { exchange: "korbit", state: "down", detail: expect.stringContaining("no ingestor") },
    { exchange: "upbit", state: "down", since: held.at, detail: "no report from an ingestor for 15 s" },
  ]);
  expect(modeOf(env, directory, now)).toBe("kafka");
});

it("says what of an exchange's list was not taken", async () => {
  const put = async (body: object) => {
    const init = {
      method: "PUT",
      headers: { Authorization: `Bearer ${env.INGEST_TOKEN}` },
      body: JSON.stringify(body),
    };
    expect((await SELF.fetch(`${HOST}/v1/ingest/bithumb/markets`, init)).status).toBe(204);
  };
  const row = { exchange: "bithumb", quote: "KRW", nativeSymbol: "", names: { ko: null, en: null }, status: null };
  const [good, odd] = ["AAA", "a b"].map((base) => ({
    ...row,
    base,
    instrument: `bithumb:${base}-KRW`,
    warning: null,
  }));
  await send("bithumb", "absent", "live");
  await put({ markets: [good, odd] });
  const bithumb = async () => (await health()).components.exchanges["bithumb"];
  expect(await bithumb()).toMatchObject({
    state: "live",
    markets: 1,
    detail: expect.stringContaining("bithumb:a b-KRW"),
  });
  await put({ markets: [good] });
  expect((await bithumb())?.detail).toBeUndefined();
});

it("says so when Redis can't be reached, and that is all", async () => {
  await send("upbit", "up", "live");
  await send("korbit", "up", "live");
  // Port 9 (discard) is one that nobody serves.
  const redis = { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9", UPSTASH_REDIS_REST_TOKEN: "t" };
  const withRedis: Env = { ...env, ...redis };
  expect(await checkHealth(withRedis, Date.now())).toMatchObject({
    status: "degraded",
    mode: "kafka+redis",
    components: { redis: { state: "down", detail: expect.any(String) } },
  });
});
