import { expect, onTestFinished, test } from "vitest";
import { findExchange } from "../ingestor/exchanges/index.ts";
import { dialects, findDialect, UnknownDialectError } from "./dialects.ts";
import { startSimulator } from "./start-simulator.ts";
import { TestClient } from "./test-client.ts";

const names = dialects.map(({ name }) => name);

test("a dialect is found by name, and the error for an unknown name lists them", () => {
  expect(findDialect("bithumb").name).toBe("bithumb");
  const message = `there is no simulator of "mtgox": use ${names.join(" or ")}`;
  expect(() => findDialect("mtgox")).toThrow(new UnknownDialectError(message));
});

test.each(names)("%s lists markets that Tickcast's own adapter reads", async (name) => {
  const simulator = await startSimulator({ dialect: findDialect(name), paused: true });
  onTestFinished(() => simulator.stop());
  const markets = await findExchange(name).markets(simulator.restUrl, AbortSignal.timeout(5_000));
  const read = markets.map(({ quote, base }) => `${quote}-${base}`);
  expect(read.toSorted()).toEqual(simulator.engine.markets.map(({ code }) => code).toSorted());
});

test.each(names)("%s sends what Tickcast's own adapter asks for and reads", async (name) => {
  const exchange = findExchange(name);
  const simulator = await startSimulator({ dialect: findDialect(name), paused: true });
  onTestFinished(() => simulator.stop());
  const markets = await exchange.markets(simulator.restUrl, AbortSignal.timeout(5_000));
  const parse = exchange.parser(markets);
  const client = await TestClient.open(simulator.wsUrl);
  for (const { frame } of exchange.feed.subscribe(markets, [])) client.send(frame);
  const live = () =>
    client.texts
      .map((text) => parse(text, 7))
      .flatMap((parsed) => (parsed.kind === "events" ? parsed.events : []))
      .flatMap((event) => (event.type === "trade" && !event.snapshot ? [event] : []));
  const { code = "" } = simulator.engine.markets[0] ?? {};
  // Not every exchange says when a subscription is in force: the first trade that comes does.
  await expect.poll(() => simulator.engine.execute(code) && live().length, { timeout: 10_000 }).toBeGreaterThan(0);
  const after = simulator.engine.log.head;
  for (let made = 0; made < 20; made += 1) simulator.engine.execute(code);
  const sent = simulator.executed(after).trades;
  const ids = () => live().map(({ id }) => id);
  await expect.poll(() => ids().slice(-sent.length)).toEqual(sent.map(({ id }) => id));
  for (const [at, trade] of live().slice(-sent.length).entries()) {
    const { price, volume, side, timestamp } = sent[at] ?? {};
    expect(trade).toMatchObject({ side: side === "BID" ? "buy" : "sell", time: timestamp });
    expect([Number(trade.price), Number(trade.size)]).toEqual([Number(price), Number(volume)]);
  }
  expect(sent.every(({ sentTo }) => sentTo === 1)).toBe(true);
});

test.each(names)("%s repeats no id of a run in the next one, and spells its numbers as numbers", async (name) => {
  const dialect = findDialect(name);
  const run = async (now: number) => {
    const simulator = await startSimulator({ dialect, paused: true, now: () => now });
    for (let made = 0; made < 500; made += 1) simulator.engine.execute();
    const { trades } = simulator.executed(0, 1_000);
    await simulator.stop();
    return trades;
  };
  const start = 1_788_335_180_377;
  const trades = [...(await run(start)), ...(await run(start + 1_000))];
  expect(new Set(trades.map(({ market, id }) => `${market} ${id}`)).size).toBe(trades.length);
  for (const { id, price, volume } of trades) {
    expect(id).toMatch(/^\d+$/);
    expect(Number(price)).toBeGreaterThan(0);
    expect(Number(volume)).toBeGreaterThan(0);
  }
});

test.each(names)("%s: REST fails on request", async (name) => {
  const simulator = await startSimulator({ dialect: findDialect(name), paused: true });
  onTestFinished(() => simulator.stop());
  simulator.faults.inject({ fault: "rest", status: 500, ms: 60_000 });
  expect((await fetch(`${simulator.restUrl}/anything`)).status).toBe(500);
  expect(simulator.exchange).toBe(name);
});
