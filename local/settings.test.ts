import { resolve } from "node:path";
import { expect, test } from "vitest";
import { readSettings, StartError } from "./settings.ts";

test("everything has a default, and an empty variable is one that is not set", () => {
  const settings = readSettings({ PORT: "", SOURCE: " ", KAFKA_BROKERS: "" });
  expect(settings).toMatchObject({ port: 8787, source: "auto", kafka: undefined, redis: undefined });
  expect(settings.dataDir).toBe(resolve(import.meta.dirname, "..", ".tickcast"));
  expect(settings.exchanges).toMatchObject([
    { exchange: { name: "upbit" }, given: { ws: false, rest: false }, restUrl: "https://api.upbit.com" },
    { exchange: { name: "bithumb" } },
    { exchange: { name: "binance" } },
    { exchange: { name: "korbit" } },
  ]);
});

test("what is given is taken as it is", () => {
  const settings = readSettings({
    KAFKA_BROKERS: "one:9092, two:9092",
    UPSTASH_REDIS_REST_URL: "https://redis.example",
    UPSTASH_REDIS_REST_TOKEN: "secret",
    UPBIT_WS_URL: "ws://127.0.0.1:1/websocket/v1",
  });
  expect(settings.kafka).toEqual({ brokers: ["one:9092", "two:9092"] });
  expect(settings.redis).toEqual({ url: "https://redis.example", token: "secret" });
  expect(settings.exchanges[0]).toMatchObject({
    given: { ws: true, rest: false },
    wsUrl: "ws://127.0.0.1:1/websocket/v1",
  });
});

test.each([
  [{ PORT: "http" }, "PORT=http: a port number is needed, 1 to 65535"],
  [{ PORT: "70000" }, "PORT=70000: a port number is needed, 1 to 65535"],
  [{ PORT: "0x1f90" }, "PORT=0x1f90: a port number is needed, 1 to 65535"],
  [{ PORT: "0" }, "PORT=0: a port number is needed, 1 to 65535"],
  [{ SOURCE: "real" }, "SOURCE=real: use live, sim, auto"],
  [{ LOG_LEVEL: "loud" }, "LOG_LEVEL=loud: use trace, debug, info, warn, error, fatal, silent"],
  [{ EXCHANGES: "upbit,mtgox" }, 'EXCHANGES: there is no exchange "mtgox": use upbit or bithumb or binance or korbit'],
  [{ EXCHANGES: "," }, "EXCHANGES=,: names no exchange"],
  [{ KAFKA_BROKERS: "localhost" }, "KAFKA_BROKERS=localhost: host:port is needed, or several with commas"],
  [{ UPSTASH_REDIS_REST_URL: "redis://h" }, "UPSTASH_REDIS_REST_URL=redis://h: an http or https address is needed"],
  [{ UPSTASH_REDIS_REST_URL: "https://h" }, "UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN: set both, or none"],
  [{ UPBIT_WS_URL: "https://h" }, "UPBIT_WS_URL=https://h: an address with ws:// or wss:// is needed"],
])("%j is refused with the name of the variable and what would be right", (env, message) => {
  expect(() => readSettings(env)).toThrow(new StartError(message, 2));
});
