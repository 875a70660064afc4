import { createExecutionContext, env } from "cloudflare:test";
import { expect, it } from "vitest";
import { nearExchange } from "../durable-objects/near-exchange.ts";
import type { Market } from "../protocol/ingest.ts";
import { app } from "./app.ts";

const HOST = "https://tickcast.test";
const NAMESPACES = ["SYMBOL_FEED", "PARTITION_FEED", "REGISTRY", "COLLECTOR_LEASE"] as const;
const BTC: Market = {
  instrument: "upbit:BTC-KRW",
  exchange: "upbit",
  base: "BTC",
  quote: "KRW",
  nativeSymbol: "KRW-BTC",
  names: { ko: null, en: null },
  status: null,
  warning: null,
};

type Namespace = (typeof env)[(typeof NAMESPACES)[number]];

/** The real namespaces, and a list of where each object that was asked for is to live. */
function watched() {
  const asked: [name: string, hint: string | undefined][] = [];
  const watch = (namespace: Namespace) =>
    new Proxy(namespace, {
      get(target, key) {
        if (key !== "getByName") return Reflect.get(target, key);
        return (name: string, where?: DurableObjectNamespaceGetDurableObjectOptions) => {
          asked.push([name, where?.locationHint]);
          return target.getByName(name, where);
        };
      },
    });
  const namespaces = Object.fromEntries(NAMESPACES.map((name) => [name, watch(env[name])]));
  return { asked, env: { ...env, ...namespaces, ADMIN_TOKEN: "admin" } };
}

it("says where an object should live, whoever asks for it first", async () => {
  const { asked, env: bindings } = watched();
  const call = (method: string, path: string, headers: Record<string, string> = {}, body?: object) =>
    app.fetch(
      new Request(`${HOST}${path}`, {
        method,
        headers: { Authorization: `Bearer ${env.INGEST_TOKEN}`, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
      bindings,
      createExecutionContext(),
    );
  const socket = { Upgrade: "websocket" };
  const statuses = [
    await call("PUT", "/v1/ingest/upbit/markets", {}, { markets: [BTC] }),
    await call("GET", "/v1/stream/upbit/BTC-KRW", socket),
    await call("GET", "/v1/ingest/upbit/BTC-KRW", socket),
    await call("GET", "/v1/ingest/upbit/partitions/3", socket),
    await call("GET", "/v1/tickers/upbit/BTC-KRW"),
    await call("GET", "/v1/tickers?exchange=upbit"),
    await call("GET", "/v1/trades/upbit/BTC-KRW"),
    await call("POST", "/v1/ingest/upbit/lease", {}, { holder: "a", term: 0, ttl: 5000 }),
    await call("DELETE", "/v1/ingest/upbit/lease?holder=a"),
    await call("GET", "/v1/registrations", { Authorization: "Bearer admin" }),
    await call("POST", "/v1/admin/drain", { Authorization: "Bearer admin" }),
  ].map(({ status, webSocket }) => {
    webSocket?.accept();
    webSocket?.close(1000);
    return status;
  });
  expect(statuses).toEqual([204, 101, 101, 101, 200, 200, 200, 200, 204, 200, 202]);
  expect([...new Set(asked.map(([name]) => name))].sort()).toEqual([
    "registry",
    "upbit",
    "upbit/2",
    "upbit/3",
    "upbit:BTC-KRW",
  ]);
  expect(asked.filter(([, hint]) => hint !== "apac")).toEqual([]);
});

it("knows where the exchanges are, and leaves the objects of others where they are first wanted", () => {
  for (const exchange of ["upbit", "bithumb", "korbit", "binance"]) {
    for (const name of [exchange, `${exchange}:BTC-KRW`]) {
      expect(nearExchange(name)).toEqual({ locationHint: "apac" });
    }
  }
  expect(nearExchange("elsewhere:BTC-KRW")).toEqual({});
});
