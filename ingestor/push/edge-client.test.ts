import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import type { IngestReport } from "../../protocol/ingest.ts";
import { EdgeClient } from "./edge-client.ts";

const REPORT: IngestReport = {
  status: { state: "live", source: "live", since: 1, asOf: 1 },
  kafka: "up",
  lastEventTime: null,
  term: 3,
  hints: [],
};
const MARKET = {
  instrument: "upbit:BTC-KRW",
  exchange: "upbit",
  base: "BTC",
  quote: "KRW",
  nativeSymbol: "KRW-BTC",
  names: { ko: null, en: null },
  status: null,
  warning: null,
};

describe("the edge", () => {
  let server: Server;
  let edge: EdgeClient;
  let requests: { method: string | undefined; url: string | undefined; token: string | undefined; body: string }[];
  let answer: { status: number; body: string };

  beforeEach(async () => {
    requests = [];
    answer = { status: 200, body: "{}" };
    server = createServer(async (request: IncomingMessage, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      const { method, url, headers } = request;
      requests.push({ method, url, token: headers.authorization, body });
      response.writeHead(answer.status).end(answer.body);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    edge = new EdgeClient({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      token: "secret",
      source: "live",
    });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("tells the registry the markets, with its token", async () => {
    await edge.putMarkets("upbit", [MARKET]);
    const body = JSON.stringify({ markets: [MARKET] });
    expect(requests).toEqual([{ method: "PUT", url: "/v1/ingest/upbit/markets", token: "Bearer secret", body }]);
  });

  it("reports how things are, and brings back what is to be done", async () => {
    const todo = { registrations: [{ symbol: "*-KRW", collected: false }], drain: { id: "d", within: 5000 } };
    answer = { status: 200, body: JSON.stringify(todo) };
    expect(await edge.putReport("upbit", REPORT)).toEqual(todo);
    expect(requests).toMatchObject([{ method: "PUT", url: "/v1/ingest/upbit/report", body: JSON.stringify(REPORT) }]);
    answer = { status: 200, body: "{}" };
    await expect(edge.putReport("upbit", REPORT)).rejects.toThrow("registrations");
  });

  it("asks for the lease, and gives it back", async () => {
    const lease = { granted: false, term: 4, holder: "other", freeIn: 2000 };
    answer = { status: 200, body: JSON.stringify(lease) };
    const request = { holder: "a b/ü", term: 0, ttl: 5000 };
    expect(await edge.hold("upbit", request)).toEqual(lease);
    answer = { status: 204, body: "" };
    await edge.release("upbit", request.holder);
    expect(requests).toMatchObject([
      { method: "POST", url: "/v1/ingest/upbit/lease", token: "Bearer secret", body: JSON.stringify(request) },
      { method: "DELETE", url: "/v1/ingest/upbit/lease?holder=a%20b%2F%C3%BC", token: "Bearer secret", body: "" },
    ]);
  });

  it("does not wait for an answer about a lease that would have run out", async () => {
    server.removeAllListeners("request");
    const begun = Date.now();
    await expect(edge.hold("upbit", { holder: "a", term: 0, ttl: 1000 })).rejects.toThrow("timeout");
    expect(Date.now() - begun).toBeLessThan(9000);
  });

  it("says what it was refused for", async () => {
    answer = { status: 401, body: '{"code":"unauthorized"}' };
    await expect(edge.putMarkets("upbit", [])).rejects.toThrow(/HTTP 401.*unauthorized/);
    await expect(edge.markets("upbit")).rejects.toThrow("HTTP 401");
  });

  it("reads the markets that the registry knows", async () => {
    answer = { status: 200, body: JSON.stringify({ markets: [MARKET] }) };
    expect(await edge.markets("upbit")).toEqual([MARKET]);
    answer = { status: 200, body: '{"markets":[{}]}' };
    await expect(edge.markets("upbit")).rejects.toThrow();
  });

  it("opens publisher sockets of instruments and of partitions", async () => {
    const sockets = new WebSocketServer({ server });
    const seen: unknown[] = [];
    sockets.on("connection", (_socket, { url, headers }) => seen.push([url, headers.authorization]));
    const feed = edge.publish("upbit", "비트-KRW");
    await once(feed, "open");
    const partition = edge.publishPartition("upbit", 3);
    await once(partition, "open");
    expect(seen).toEqual([
      [`/v1/ingest/upbit/${encodeURIComponent("비트-KRW")}`, "Bearer secret"],
      ["/v1/ingest/upbit/partitions/3", "Bearer secret"],
    ]);
    feed.terminate();
    partition.terminate();
  });
});
