import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { Feed } from "../exchanges/exchange.ts";
import { Connection } from "./connection.ts";

const FEED: Feed = {
  subscribe: () => ["hello"],
  pingEvery: 10_000,
  silence: 10_000,
  connects: { count: 1, per: 1 },
};

describe("a connection", () => {
  let server: WebSocketServer;
  let connection: Connection;
  let frames: string[];

  beforeEach(async () => {
    frames = [];
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
  });
  afterEach(async () => {
    connection.end();
    await new Promise((done) => server.close(done));
  });

  async function connect(feed: Partial<Feed> = {}): Promise<WebSocket> {
    const accepted = once(server, "connection") as Promise<[WebSocket]>;
    const frame = (bytes: Buffer) => frames.push(bytes.toString()) > 0 && !bytes.toString().startsWith("no");
    const { port } = server.address() as AddressInfo;
    connection = new Connection(`ws://127.0.0.1:${port}`, { ...FEED, ...feed }, [], { frame });
    return (await accepted)[0];
  }

  it("subscribes when it is open, and has started with the first frame that is no refusal", async () => {
    const peer = await connect();
    expect(String((await once(peer, "message"))[0])).toBe("hello");
    let started = false;
    void connection.started.then(() => {
      started = true;
    });
    peer.send("no");
    peer.ping();
    await once(peer, "pong");
    expect([frames, started]).toEqual([["no"], false]);
    peer.send("data");
    await connection.started;
  });

  it("pings, so that the exchange keeps it", async () => {
    const peer = await connect({ pingEvery: 20 });
    await once(peer, "ping");
  });

  it("ends when nothing comes any more, and was never started if nothing ever came", async () => {
    await connect({ silence: 50 });
    await connection.ended;
    await expect(connection.started).rejects.toThrow("closed the connection");
  });

  it("says why it ended", async () => {
    const peer = await connect();
    peer.close(1000);
    expect(await connection.ended).toBe("the exchange closed the connection (1000)");
    connection = new Connection("ws://127.0.0.1:1", FEED, [], { frame: () => true });
    expect(await connection.ended).toContain("ECONNREFUSED");
  });

  it("can be ended while it connects", async () => {
    const { port } = server.address() as AddressInfo;
    connection = new Connection(`ws://127.0.0.1:${port}`, FEED, [], { frame: () => true });
    connection.end();
    await connection.ended;
  });
});
