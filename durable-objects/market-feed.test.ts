import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import type { LatestTicker } from "../protocol/ingest.ts";
import { figures } from "./testing/test-events.ts";
import { openMarketPublisher, upgrade } from "./testing/test-socket.ts";

let markets = 0;

function newMarket() {
  markets += 1;
  return env.MARKET_FEED.getByName(`upbit:*-M${markets}`);
}

function newest(instrument: string, seq: number, epoch = "e1"): LatestTicker {
  const t = { exchange: seq, received: seq, logged: seq };
  return { instrument, epoch, seq, source: "live", ticker: figures(String(seq), seq), t };
}

const frame = (asOf: number, ...tickers: LatestTicker[]) => ({
  op: "tickers",
  epoch: tickers[0]?.epoch ?? "e1",
  tickers,
  asOf,
});

it("lists the newest ticker of each instrument, of all partitions, in order", async () => {
  const market = newMarket();
  const one = await openMarketPublisher(market, "https://market/?partition=1");
  const two = await openMarketPublisher(market, "https://market/?partition=2");
  one.send(frame(10, newest("upbit:C-KRW", 5), newest("upbit:A-KRW", 4)));
  two.send(frame(20, newest("upbit:B-KRW", 6)));
  one.send(frame(30, newest("upbit:C-KRW", 7)));
  await vi.waitFor(async () => {
    const list = await market.tickers();
    expect(list.map(({ instrument, seq, asOf }) => [instrument, seq, asOf])).toEqual([
      ["upbit:A-KRW", 4, 30],
      ["upbit:B-KRW", 6, 20],
      ["upbit:C-KRW", 7, 30],
    ]);
  });
  expect(await market.ticker("upbit:B-KRW")).toMatchObject({ seq: 6, asOf: 20 });
  expect(await market.ticker("upbit:X-KRW")).toBeNull();
});

it("asks for everything when its memory was gone, and has what it stored until then", async () => {
  const market = newMarket();
  const publisher = await openMarketPublisher(market, "https://market/?partition=1");
  publisher.send(frame(10, newest("upbit:A-KRW", 4)));
  await vi.waitFor(async () => expect(await market.ticker("upbit:A-KRW")).not.toBeNull());
  await evictDurableObject(market);
  expect(await market.ticker("upbit:A-KRW")).toMatchObject({ seq: 4, asOf: 10 });
  await publisher.next("resend");
  publisher.send(frame(20, newest("upbit:A-KRW", 9)));
  await vi.waitFor(async () => expect(await market.ticker("upbit:A-KRW")).toMatchObject({ seq: 9 }));
});

it("takes nothing for the newest that something may have been missed of", async () => {
  const market = newMarket();
  const [a, b] = ["upbit:A-KRW", "upbit:B-KRW"];
  const listed = async () => (await market.tickers()).map(({ seq, asOf }) => [seq, asOf]);
  const before = await openMarketPublisher(market, "https://market/?partition=1");
  before.send({ ...frame(10, newest(a, 4), newest(b, 5)), from: 3 });
  await vi.waitFor(async () => expect(await listed()).toHaveLength(2));
  // Another pusher goes on from what is committed: what its predecessor had read, and not told, it does not know.
  const next = await openMarketPublisher(market, "https://market/?partition=1");
  next.send({ ...frame(20, newest(a, 16)), from: 15 });
  next.send({ ...frame(30), from: 20 });
  await vi.waitFor(async () => {
    expect(await listed()).toEqual([
      [16, 30],
      [5, 10],
    ]);
  });
  next.send({ ...frame(40, newest(b, 35)), from: 30 });
  await vi.waitFor(async () => {
    expect(await listed()).toEqual([
      [16, 40],
      [35, 40],
    ]);
  });
});

it("knows again that nothing was missed when it is told everything from further back", async () => {
  const market = newMarket();
  const publisher = await openMarketPublisher(market, "https://market/?partition=1");
  publisher.send({ ...frame(10, newest("upbit:A-KRW", 4)), from: 3 });
  publisher.send({ ...frame(30), from: 20 });
  await vi.waitFor(async () => expect(await market.ticker("upbit:A-KRW")).toMatchObject({ asOf: 10 }));
  publisher.send({ ...frame(40), from: 9 });
  await vi.waitFor(async () => expect(await market.ticker("upbit:A-KRW")).toMatchObject({ asOf: 40 }));
});

it("holds an instrument once when another log puts it in another partition", async () => {
  const market = newMarket();
  const old = await openMarketPublisher(market, "https://market/?partition=3");
  old.send(frame(10, newest("upbit:A-KRW", 900)));
  await vi.waitFor(async () => expect(await market.tickers()).toHaveLength(1));
  const next = await openMarketPublisher(market, "https://market/?partition=0");
  next.send(frame(20, newest("upbit:A-KRW", 2, "e2")));
  await vi.waitFor(async () => expect(await market.tickers()).toMatchObject([{ epoch: "e2", seq: 2 }]));
});

it("forgets what is no longer collected", async () => {
  const market = newMarket();
  const publisher = await openMarketPublisher(market, "https://market/?partition=1");
  publisher.send({ ...frame(10, newest("upbit:A-KRW", 4), newest("upbit:B-KRW", 5)), gone: [] });
  publisher.send({ ...frame(20), gone: ["upbit:A-KRW", "upbit:X-KRW"] });
  await vi.waitFor(async () => expect(await market.tickers()).toMatchObject([{ instrument: "upbit:B-KRW", asOf: 20 }]));
  expect(await market.ticker("upbit:A-KRW")).toBeNull();
});

it("lets a second publisher of a partition replace the first, not those of others", async () => {
  const market = newMarket();
  const first = await openMarketPublisher(market, "https://market/?partition=1");
  const other = await openMarketPublisher(market, "https://market/?partition=2");
  const second = await openMarketPublisher(market, "https://market/?partition=1");
  await first.next("replaced");
  expect((await first.closed).code).toBe(4000);
  other.send(frame(5, newest("upbit:B-KRW", 1)));
  second.send(frame(5, newest("upbit:A-KRW", 1)));
  await vi.waitFor(async () => expect(await market.tickers()).toHaveLength(2));
});

it.each(["nonsense", '{"op":"tickers"}'])("sends a publisher away that sends %s", async (text) => {
  const market = newMarket();
  const ws = await upgrade(market, "https://market/?partition=1");
  const closed = new Promise<CloseEvent>((resolve) => ws.addEventListener("close", resolve));
  ws.accept();
  ws.send(text);
  expect((await closed).code).toBe(4200);
  expect(await market.tickers()).toEqual([]);
});

it("writes a whole partition as one row, seldom", async () => {
  const market = newMarket();
  const publisher = await openMarketPublisher(market, "https://market/?partition=1");
  publisher.send(frame(10, newest("upbit:A-KRW", 4), newest("upbit:B-KRW", 5)));
  publisher.send(frame(11, newest("upbit:A-KRW", 6)));
  await vi.waitFor(async () => expect(await market.ticker("upbit:A-KRW")).toMatchObject({ seq: 6 }));
  await runInDurableObject(market, (_instance, { storage }) => {
    const rows = storage.sql.exec<{ body: string }>("SELECT body FROM shares").toArray();
    expect(rows.map(({ body }) => JSON.parse(body).asOf)).toEqual([10]);
  });
});
