import { SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { figures } from "../../durable-objects/testing/test-events.ts";
import { openPartitionPublisher } from "../../durable-objects/testing/test-socket.ts";
import type { LatestTicker } from "../../protocol/ingest.ts";
import { createPartitioner } from "../../protocol/partition.ts";
import { restTicker, tickersBody } from "../../protocol/rest.ts";
import { get, HOST, list, put, report, TOKEN } from "../testing/requests.ts";

/** The newest ticker of an instrument, as a pusher tells it. */
function latest(instrument: string, seq: number, epoch = "e1"): LatestTicker {
  const t = { exchange: 1, received: 1, logged: 1 };
  return { instrument, epoch, seq, source: "live", ticker: figures(String(seq), seq), t };
}

it("shows every market's ticker, null where there is none yet", async () => {
  await list("bithumb", "AAA", "BBB");
  expect((await put("/v1/ingest/bithumb/report", report({ partitions: 1 }))).status).toBe(200);
  const ws = await openPartitionPublisher(SELF, `${HOST}/v1/ingest/bithumb/partitions/0`, TOKEN);
  const one = latest("bithumb:AAA-KRW", 5);
  ws.send({ op: "tickers", epoch: "e1", from: 0, through: 7, tickers: [one], asOf: Date.now(), more: false });
  const { tickers } = tickersBody.parse(await (await get("/v1/tickers?exchange=bithumb")).json());
  const nothing = { instrument: "bithumb:BBB-KRW", epoch: null, seq: null, source: null, ticker: null, t: null };
  expect(tickers).toEqual([one, nothing]);
  expect(restTicker.parse(await (await get("/v1/tickers/bithumb/AAA-KRW")).json())).toEqual(one);
  expect(restTicker.parse(await (await get("/v1/tickers/bithumb/BBB-KRW")).json()).ticker).toBeNull();
});

describe("a list", () => {
  it("asks the partitions that its instruments are in, and goes with a log that has another number of them", async () => {
    const bases = ["AA", "BB", "CC", "DD", "EE", "FF", "GG", "HH"];
    await list("korbit", ...bases);
    const names = bases.map((base) => `korbit:${base}-KRW`);
    const shown = async (query: string) => {
      const { tickers } = tickersBody.parse(await (await get(`/v1/tickers?exchange=korbit${query}`)).json());
      return tickers.map(({ instrument, epoch, seq }) => [instrument, epoch, seq]);
    };
    const fill = async (partitions: number, epoch: string) => {
      const partitionOf = createPartitioner(partitions);
      expect((await put("/v1/ingest/korbit/report", report({ partitions }))).status).toBe(200);
      for (let partition = 0; partition < partitions; partition += 1) {
        const url = `${HOST}/v1/ingest/korbit/partitions/${partition}`;
        const ws = await openPartitionPublisher(SELF, url, TOKEN);
        const tickers = names.filter((name) => partitionOf(name) === partition).map((name) => latest(name, 5, epoch));
        ws.send({ op: "tickers", epoch, from: 0, through: 7, tickers, asOf: Date.now(), more: false });
      }
    };
    await fill(4, "e1");
    expect(await shown("")).toEqual(names.map((name) => [name, "e1", 5]));
    await fill(3, "e2");
    expect(await shown("")).toEqual(names.map((name) => [name, "e2", 5]));
    expect(await shown("&base=BB,DD")).toEqual([
      ["korbit:BB-KRW", "e2", 5],
      ["korbit:DD-KRW", "e2", 5],
    ]);
  });
});
