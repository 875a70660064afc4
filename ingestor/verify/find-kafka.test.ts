import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConfigError } from "../config.ts";
import { findKafka, simulatedPrefix } from "./find-kafka.ts";

const NOWHERE = { DATA_DIR: "/nowhere" };

/** A data folder as `npm start` leaves it; the stack named first was started last. */
function dataDir(...stacks: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "kafka-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [i, stack] of stacks.entries()) {
    mkdirSync(join(folder, stack));
    writeFileSync(join(folder, stack, "brokers"), `${stack}:1\n`);
    utimesSync(join(folder, stack, "brokers"), 1000 - i, 1000 - i);
  }
  return folder;
}

describe("the Kafka", () => {
  it("is the one given, before that of the environment, before that of a running stack", () => {
    const env = { DATA_DIR: dataDir("sim"), KAFKA_BROKERS: "b:1,c:2" };
    expect(findKafka({ brokers: "a:1" }, env, ["sim"]).brokers).toEqual(["a:1"]);
    expect(findKafka({}, env, ["sim"]).brokers).toEqual(["b:1", "c:2"]);
    expect(findKafka({}, { ...env, KAFKA_BROKERS: "" }, ["sim"]).brokers).toEqual(["sim:1"]);
  });

  it("of several stacks is that of the one started last", () => {
    expect(findKafka({}, { DATA_DIR: dataDir("live", "sim") }, ["sim", "live"]).brokers).toEqual(["live:1"]);
    expect(findKafka({}, { DATA_DIR: dataDir("sim", "live") }, ["sim", "live"]).brokers).toEqual(["sim:1"]);
    expect(() => findKafka({}, { DATA_DIR: dataDir("sim") }, ["live"])).toThrow("which Kafka?");
  });

  it("is reached as the ingestor's variables say, without those of the edge", () => {
    const env = {
      ...{ KAFKA_BROKERS: "a:1", KAFKA_PREFIX: "mine.", KAFKA_SSL: "true", ROLES: "dance" },
      ...{ KAFKA_SASL_MECHANISM: "plain", KAFKA_SASL_USERNAME: "me", KAFKA_SASL_PASSWORD: "secret" },
    };
    const sasl = { mechanism: "plain", username: "me", password: "secret" };
    expect(findKafka({}, env, [])).toMatchObject({ prefix: "mine.", ssl: true, sasl });
    expect(findKafka({ prefix: "" }, env, []).prefix).toBe("");
  });

  it.each([
    [{ brokers: "nowhere" }, NOWHERE, /^--brokers: host:port is needed/],
    [{ brokers: "" }, NOWHERE, /^--brokers: host:port is needed/],
    [{ brokers: "a:1", prefix: "a b" }, NOWHERE, /^--prefix: letters/],
    [{}, { KAFKA_BROKERS: "nowhere" }, /^KAFKA_BROKERS: host:port/],
    [{ brokers: "a:1" }, { KAFKA_SASL_USERNAME: "me" }, /set all three/],
    [{}, NOWHERE, /^which Kafka\?/],
  ])("%j, %j: says what is wrong", (options, env, message) => {
    expect(() => findKafka(options, env, ["sim", "live"])).toThrow(ConfigError);
    expect(() => findKafka(options, env, ["sim", "live"])).toThrow(message);
  });
});

it("simulated topics have a prefix of their own, once", () => {
  expect(["", "mine.", "sim."].map(simulatedPrefix)).toEqual(["sim.", "mine.sim.", "sim."]);
});
