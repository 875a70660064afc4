import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { until } from "../../../local/testing.ts";
import type { Market } from "../../../protocol/ingest.ts";
import type { Feed, Parsed } from "../../exchanges/exchange.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import { ExchangeConnection } from "./exchange-connection.ts";

/** A timer may be early by this, and a message on its way late, ms. */
const SLACK = 80;
/** One request for each market, with its id where the exchange confirms; what is to be said of those before. */
const PLAIN: Feed = {
  subscribe: (wanted) => wanted.map(({ base }) => ({ frame: base })),
  sends: { count: 100, per: 1000 },
  pingEvery: null,
  silence: 10_000,
  connects: { count: 1, per: 1 },
};
const CONFIRMING: Feed = { ...PLAIN, subscribe: (wanted) => wanted.map(({ base }) => ({ frame: base, id: base })) };

function markets(bases: readonly string[]): Market[] {
  return upbit.readMarkets(JSON.stringify(bases.map((base) => ({ market: `KRW-${base}` }))));
}
const numbered = (count: number) => markets(Array.from({ length: count }, (_, i) => `M${i}`));
const names = (list: readonly Market[]) => list.map(({ base }) => base).join(",");

/** `ok X` confirms X, `no` refuses, `data` is data; the rest is nothing of ours. */
function parse(text: string): Parsed {
  if (text.startsWith("ok ")) return { kind: "accepted", request: text.slice(3) };
  if (text.startsWith("no")) return { kind: "refused", message: text };
  return text === "data" ? { kind: "events", events: [] } : { kind: "ignored" };
}

describe("a connection", () => {
  let server: WebSocketServer;
  let connections: ExchangeConnection[];
  let frames: string[];
  /** What the exchange was sent, and when. */
  let sent: { readonly text: string; readonly at: number }[];

  beforeEach(async () => {
    [connections, frames, sent] = [[], [], []];
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
  });
  afterEach(async () => {
    vi.useRealTimers();
    for (const connection of connections) connection.end();
    for (const client of server.clients) client.terminate();
    await new Promise((done) => server.close(done));
  });

  function open(feed: Feed, wanted: readonly Market[], url?: string): ExchangeConnection {
    const { port } = server.address() as AddressInfo;
    const frame = (bytes: Buffer) => {
      frames.push(bytes.toString());
      return parse(bytes.toString());
    };
    const connection = new ExchangeConnection(url ?? `ws://127.0.0.1:${port}`, feed, wanted, { frame });
    connections.push(connection);
    return connection;
  }
  /** Opens one and notes what the exchange gets over it. */
  async function connect(feed: Feed, wanted: readonly Market[]) {
    const accepted = once(server, "connection") as Promise<[WebSocket]>;
    const connection = open(feed, wanted);
    const [peer] = await accepted;
    const note = (text: string) => sent.push({ text, at: Date.now() });
    peer.on("message", (data) => note(String(data)));
    peer.on("ping", () => note("(ping)"));
    return { connection, peer };
  }
  const texts = () => sent.map(({ text }) => text);
  /** Everything that the exchange has sent by now has arrived, and been dealt with. */
  async function seen(peer: WebSocket): Promise<void> {
    peer.ping();
    await once(peer, "pong");
  }
  function hasResolved(promise: Promise<unknown>): () => boolean {
    let yes = false;
    promise.then(
      () => {
        yes = true;
      },
      () => undefined,
    );
    return () => yes;
  }
  /** Most of the times that lie within any period of so many ms. */
  const densest = (per: number) =>
    Math.max(...sent.map(({ at }) => sent.filter((other) => other.at >= at && other.at < at + per - SLACK).length));

  describe("that starts", () => {
    it("asks for its markets, and has started with the first frame where the exchange confirms nothing", async () => {
      const { connection, peer } = await connect(PLAIN, markets(["A", "B"]));
      await until(() => sent.length >= 2);
      const started = hasResolved(connection.started);
      await seen(peer);
      expect([texts(), started()]).toEqual([["A", "B"], false]);
      peer.send("beat");
      await connection.started;
      expect(frames).toEqual(["beat"]);
    });

    it("has started when every request is confirmed, in whatever order, and not with data before that", async () => {
      const { connection, peer } = await connect(CONFIRMING, markets(["A", "B", "C"]));
      const started = hasResolved(connection.started);
      await until(() => sent.length >= 3);
      for (const answer of ["data", "ok C", "ok A", "ok A", "ok X", "data"]) peer.send(answer);
      await seen(peer);
      expect(started()).toBe(false);
      peer.send("ok B");
      await connection.started;
    });

    it("has not started while requests are still to be sent", async () => {
      const { connection, peer } = await connect({ ...CONFIRMING, sends: { count: 1, per: 150 } }, numbered(3));
      const started = hasResolved(connection.started);
      const early: boolean[] = [];
      peer.on("message", (data) => {
        peer.send(`ok ${data}`);
        peer.send("data");
        peer.once("pong", () => sent.length < 3 && early.push(started()));
        peer.ping();
      });
      await connection.started;
      expect(texts()).toEqual(["M0", "M1", "M2"]);
      expect(early).not.toContain(true);
    });

    it("never starts when a request is refused, and says so", async () => {
      const { connection, peer } = await connect(CONFIRMING, markets(["A", "B"]));
      await until(() => sent.length >= 2);
      peer.send("ok A");
      peer.send("no: too many codes");
      expect(await connection.ended).toContain("refused a request: no: too many codes");
      await expect(connection.started).rejects.toThrow("no: too many codes");
    });

    it("never starts when data comes together with the refusal", async () => {
      server.on("connection", (peer, request) => {
        // Both in one piece, as a busy exchange sends them.
        request.socket.cork();
        peer.send("no");
        peer.send("data");
        request.socket.uncork();
      });
      const connection = open(PLAIN, markets(["A"]));
      await expect(connection.started).rejects.toThrow("refused");
    });
  });

  describe("that asks", () => {
    it("keeps to the exchange's limit, and sends everything all the same", async () => {
      await connect({ ...CONFIRMING, sends: { count: 2, per: 300 } }, numbered(5));
      await until(() => sent.length >= 5);
      expect(texts().toSorted()).toEqual(names(numbered(5)).split(","));
      expect(densest(300)).toBeLessThanOrEqual(2);
    });

    it("keeps the order of what it asks, also where it has to wait", async () => {
      const { connection } = await connect({ ...PLAIN, sends: { count: 2, per: 400 } }, numbered(2));
      await until(() => sent.length >= 2);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
      connection.subscribe(markets(["A"]));
      // A clock is set right by this much now and then, and even one that is not turns to the next one before timers do.
      vi.setSystemTime(Date.now() + 20);
      connection.subscribe(markets(["B"]));
      await until(() => sent.length >= 4);
      expect(texts()).toEqual(["M0", "M1", "A", "B"]);
    });

    it("asks for other markets with those it has, and for those that were wanted last when it opens", async () => {
      const asked: [wanted: string, before: string][] = [];
      const subscribe: Feed["subscribe"] = (wanted, before) => {
        asked.push([names(wanted), names(before)]);
        return [{ frame: names(wanted) }];
      };
      const connection = open({ ...PLAIN, subscribe }, markets(["A"]));
      connection.subscribe(markets(["A", "B"]));
      expect(asked).toEqual([]);
      const [peer] = (await once(server, "connection")) as [WebSocket];
      peer.send("data");
      await connection.started;
      connection.subscribe(markets(["B", "C"]));
      connection.subscribe(markets(["C"]));
      expect(asked).toEqual([
        ["A,B", ""],
        ["B,C", "A,B"],
        ["C", "B,C"],
      ]);
    });

    it("asks for nothing more once it is over", async () => {
      const { connection, peer } = await connect({ ...PLAIN, sends: { count: 1, per: 50 } }, numbered(3));
      await until(() => sent.length >= 1);
      peer.close();
      await connection.ended;
      connection.subscribe(numbered(5));
      expect(texts()).toEqual(["M0"]);
    });
  });

  describe("that stays", () => {
    it("pings, so that the exchange keeps it", async () => {
      const { peer } = await connect({ ...PLAIN, pingEvery: 20 }, numbered(1));
      await once(peer, "ping");
      await once(peer, "ping");
    });

    it("counts its pings as messages, where an exchange bans who sends too many", async () => {
      await connect({ ...PLAIN, pingEvery: 70, sends: { count: 2, per: 300 } }, numbered(2));
      await until(() => texts().filter((text) => text === "(ping)").length >= 4);
      expect(densest(300)).toBeLessThanOrEqual(2);
    });

    it("stays as long as data comes", async () => {
      const { connection, peer } = await connect({ ...PLAIN, silence: 500 }, numbered(20));
      const ended = hasResolved(connection.ended);
      const feeding = setInterval(() => peer.send("data"), 20);
      await until(() => frames.length >= 50);
      expect(ended()).toBe(false);
      clearInterval(feeding);
      expect(await connection.ended).toBe("the exchange was silent for too long");
    });

    it("ends when no data comes, whatever else does", async () => {
      const { connection, peer } = await connect({ ...PLAIN, silence: 150, pingEvery: 30 }, numbered(20));
      const chatter = setInterval(() => {
        for (const text of ["beat", "ok M0"]) peer.send(text);
        peer.ping();
      }, 20);
      expect(await connection.ended).toBe("the exchange was silent for too long");
      clearInterval(chatter);
    });

    it("was never started if nothing ever came", async () => {
      const { connection } = await connect({ ...PLAIN, silence: 50 }, numbered(20));
      await expect(connection.started).rejects.toThrow("silent");
    });

    it("has more patience with few markets than with many", async () => {
      const begun = Date.now();
      const few = open({ ...PLAIN, silence: 100 }, numbered(4));
      const many = open({ ...PLAIN, silence: 100 }, numbered(40));
      const fewEnded = hasResolved(few.ended);
      await many.ended;
      expect(fewEnded()).toBe(false);
      await few.ended;
      expect(Date.now() - begun).toBeGreaterThanOrEqual(500 - SLACK);
    });
  });

  it("that is turned away says with what, and what was said of it", async () => {
    const door = createServer().on("upgrade", (_, socket) => {
      socket.end("HTTP/1.1 429 Too Many\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    door.listen(0, "127.0.0.1");
    await once(door, "listening");
    const heard: unknown[] = [];
    const { port } = door.address() as AddressInfo;
    const connection = new ExchangeConnection(`ws://127.0.0.1:${port}`, PLAIN, markets(["A"]), {
      frame: () => ({ kind: "ignored" }),
      turnedAway: ({ status, header }) => heard.push(status, header("Retry-After"), header("Date")),
    });
    expect(await connection.ended).toBe("Unexpected server response: 429");
    await expect(connection.started).rejects.toThrow("429");
    expect(heard).toEqual([429, "60", null]);
    door.close();
  });

  describe("that ends", () => {
    it("says why", async () => {
      const { connection, peer } = await connect(PLAIN, []);
      peer.close(1000);
      expect(await connection.ended).toBe("the exchange closed the connection (1000)");
      expect(await open(PLAIN, [], "ws://127.0.0.1:1").ended).toContain("ECONNREFUSED");
    });

    it("does so at a frame too large to be one, and keeps the reason that came first", async () => {
      const { connection, peer } = await connect(PLAIN, []);
      peer.send("x".repeat(5 * 1024 * 1024));
      const reason = await connection.ended;
      expect(reason).toContain("payload");
      connection.end("another one");
      expect([await connection.ended, frames]).toEqual([reason, []]);
    });

    it("does so at once when it is told to, even while it connects", async () => {
      const connection = open(PLAIN, []);
      connection.end("not wanted");
      expect(await connection.ended).toContain("not wanted");
      await expect(connection.started).rejects.toThrow("not wanted");
    });
  });
});
