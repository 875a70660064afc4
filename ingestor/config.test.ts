import { describe, expect, it } from "vitest";
import { ConfigError, exchangeUrls, readConfig } from "./config.ts";

const NEEDED = { EDGE_URL: "http://localhost:8787", INGEST_TOKEN: "secret" };
const UPBIT = { name: "upbit", wsUrl: "wss://real", restUrl: "https://real" };

describe("the settings", () => {
  it("need only the edge and its token", () => {
    expect(readConfig(NEEDED)).toMatchObject({
      exchanges: ["upbit", "bithumb", "binance", "korbit"],
      roles: ["collect", "push"],
      kafka: null,
      hints: [],
    });
  });

  it("take an empty variable for one that is not set, and names but once", () => {
    const config = readConfig({ ...NEEDED, KAFKA_BROKERS: " ", KAFKA_PARTITIONS: "", EXCHANGES: "upbit, upbit" });
    expect(config).toMatchObject({ kafka: null, exchanges: ["upbit"] });
  });

  it("read Kafka's", () => {
    const env = { ...NEEDED, KAFKA_BROKERS: "a:1,b:2", KAFKA_SSL: "true", KAFKA_RETENTION_HOURS: "2", ROLES: "push" };
    const kafka = { brokers: ["a:1", "b:2"], ssl: true, retention: 7_200_000, partitions: 4 };
    expect(readConfig(env)).toMatchObject({ kafka, roles: ["push"] });
  });

  it.each([
    ["EDGE_URL", "localhost"],
    ["INGEST_TOKEN", ""],
    ["EXCHANGES", ","],
    ["ROLES", "collect,dance"],
    ["ROLES", "push,push"],
    ["PRICES", "invented"],
    ["KAFKA_BROKERS", "nowhere"],
    ["KAFKA_PARTITIONS", "0"],
    ["KAFKA_REPLICATION", "x"],
    ["KAFKA_PREFIX", "a b"],
    ["KAFKA_SSL", "maybe"],
    ["KAFKA_SASL_MECHANISM", "none"],
    ["IDLE_BATCH_MS", "-1"],
    ["FEED_MEMORY_BYTES", "1.5"],
    ["MARKETS_PERIOD_MS", "soon"],
    ["HINTS", "{"],
    ["HINTS", "[1]"],
  ])("names %s when it is %j", (name, value) => {
    const read = () => readConfig({ ...NEEDED, [name]: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(name);
  });

  it("want all of SASL or nothing of it", () => {
    expect(() => readConfig({ ...NEEDED, KAFKA_BROKERS: "a:1", KAFKA_SASL_USERNAME: "me" })).toThrow("set all three");
  });

  it("say where an exchange is", () => {
    expect(exchangeUrls({ UPBIT_WS_URL: "ws://127.0.0.1:1" }, UPBIT)).toEqual({
      wsUrl: "ws://127.0.0.1:1",
      restUrl: "https://real",
    });
    expect(() => exchangeUrls({ UPBIT_REST_URL: "ws://x" }, UPBIT)).toThrow("UPBIT_REST_URL");
  });
});
