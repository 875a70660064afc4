import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WebSocket } from "ws";
import type { Client, SendOptions } from "./clients.ts";
import type { Dialect, SimulatedExchange } from "./dialect.ts";
import { DialectServer, type Rest } from "./dialect-server.ts";
import { GatedSocket } from "./gated-socket.ts";
import type { Simulator } from "./simulator.ts";
import { startSimulator } from "./start-simulator.ts";
import { TestClient } from "./test-client.ts";
import type { Trade } from "./trade.ts";

/** Wants everything, in the format that it has sent last; nothing before. */
class Connection extends GatedSocket implements Client {
  format = "";

  constructor(socket: WebSocket, exchange: SimulatedExchange) {
    super(socket, exchange.gate, { binary: false });
    socket.on("message", (data) => {
      this.format = data.toString();
      this.send("ok");
    });
  }

  fail(name: string, message: string): void {
    this.send(`${name}: ${message}`);
    this.socket.close(1000);
  }
}

const rest: Rest = { handle: (_request, response, url) => response.end(url.pathname) };

/** The least that an exchange can be. */
class PlainServer extends DialectServer<Connection> {
  written: string[] = [];
  full = false;

  delisted(): void {
    this.written.push("delisted");
  }

  protected refusal(): string | undefined {
    return this.full ? "403 Forbidden" : undefined;
  }

  protected connect(socket: WebSocket): Connection {
    return new Connection(socket, this.exchange);
  }

  protected publishTicker(): void {
    this.written.push("ticker");
  }

  protected sendTrade(trade: Trade, sending: SendOptions): number {
    const write = (format: string) => {
      const frame = `${format} ${trade.id} price`;
      this.written.push(frame);
      return frame;
    };
    return this.clients.broadcast(({ format }) => format !== "", write, sending);
  }

  protected corrupt(frame: string, how: "wrong_type" | "missing_field"): string {
    return frame.replace("price", how);
  }
}

let server: PlainServer;
let sim: Simulator;
beforeEach(async () => {
  const dialect: Dialect = {
    ...{ name: "plain", webSocketPath: "/ws", window: "24h", settings: {} },
    listings: () => [{ code: "KRW-BTC", koreanName: "비트코인", englishName: "Bitcoin", price: 10n ** 14n }],
    spell: ({ id }) => ({ id: `${id}`, price: "1", volume: "1" }),
    open: (exchange) => {
      server = new PlainServer(exchange, rest);
      return server;
    },
  };
  sim = await startSimulator({ dialect, paused: true });
});
afterEach(() => sim.stop());

async function listening(format: string): Promise<TestClient> {
  const client = await TestClient.open(sim.wsUrl);
  client.send(format);
  await client.until(() => client.texts.length === 1);
  client.texts.length = 0;
  return client;
}

test("a ticker goes out, then a trade is written once for each format in use, and its sockets are counted", async () => {
  const clients = [await listening("a"), await listening("b"), await listening("b")];
  await TestClient.open(sim.wsUrl);
  const trade = sim.engine.execute("KRW-BTC");
  for (const client of clients) await client.until(() => client.texts.length === 1);
  const frames = ["a", "b"].map((format) => `${format} ${trade?.id} price`);
  expect(server.written).toEqual(["ticker", ...frames]);
  expect(clients.flatMap(({ texts }) => texts)).toEqual([frames[0], frames[1], frames[1]]);
  expect(trade?.sentTo).toBe(3);
  expect(sim.state().sockets).toBe(4);
});

test("what nobody wants is not written, and of a skipped trade only the ticker goes out", async () => {
  sim.engine.execute("KRW-BTC");
  expect(server.written).toEqual(["ticker"]);
  await listening("a");
  sim.faults.inject({ fault: "skip", count: 1 });
  expect(sim.engine.execute("KRW-BTC")?.sentTo).toBe(0);
  expect(server.written).toEqual(["ticker", "ticker"]);
});

test("repeats and corrupted frames are the live frames of trades that went out, and count for no trade", async () => {
  const client = await listening("a");
  sim.faults.inject({ fault: "skip", count: 1 });
  const [, one, two] = [0, 1, 2].map(() => sim.engine.execute("KRW-BTC"));
  expect(sim.faults.inject({ fault: "repeat", count: 9 })).toBe(2);
  for (const how of ["malformed", "wrong_type", "missing_field"] as const) sim.faults.inject({ fault: "bad", how });
  await client.until(() => client.texts.length === 7);
  const frames = [one, two].map((trade) => `a ${trade?.id} price`);
  const [, last = ""] = frames;
  const cut = last.slice(0, -Math.floor(last.length / 3));
  const corrupted = [cut, ...["wrong_type", "missing_field"].map((how) => last.replace("price", how))];
  expect(client.texts).toEqual([...frames, ...frames, ...corrupted]);
  expect([one?.sentTo, two?.sentTo]).toEqual([1, 1]);
});

test("who is refused does not count, nor does who has gone", async () => {
  const client = await listening("a");
  server.full = true;
  await expect(TestClient.open(sim.wsUrl)).rejects.toThrow("403");
  expect(server.size).toBe(1);
  client.socket.close();
  await once(client.socket, "close");
  await expect.poll(() => server.size).toBe(0);
});

test("an error goes to all, a drop has no close frame, a leave is not said", async () => {
  const [one, two] = [await listening("a"), await listening("b")];
  expect(sim.faults.inject({ fault: "leave" })).toBe(0);
  expect(sim.faults.inject({ fault: "error", name: "GONE", message: "wrong" })).toBe(2);
  await one.until(() => one.closeCode === 1000);
  await two.until(() => two.closeCode === 1000);
  expect([one.texts, two.texts]).toEqual([["GONE: wrong"], ["GONE: wrong"]]);
  await expect.poll(() => server.size).toBe(0);
  const third = await listening("a");
  expect(sim.faults.inject({ fault: "drop" })).toBe(1);
  await third.until(() => third.closeCode === 1006);
});

test("REST is the dialect's own, and a closed server hears of no more trades", async () => {
  expect(await (await fetch(`${sim.restUrl}/some/path`)).text()).toBe("/some/path");
  server.close();
  sim.engine.execute("KRW-BTC");
  expect(server.written).toEqual([]);
});
