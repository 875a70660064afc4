import { Redis as Client } from "@upstash/redis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Redis } from "../redis.ts";
import { requireRedis, unwrap } from "../testing.ts";
import { startUpstashRest, type UpstashRest } from "./server.ts";

const needed = await requireRedis();

needed.describe("the Upstash REST endpoint", () => {
  let server: Redis;
  let rest: UpstashRest;
  let raw: Client;
  let deserializing: Client;

  beforeAll(async () => {
    server = await needed.start();
    rest = unwrap(await startUpstashRest({ redisUrl: server.url, token: "secret" }));
    raw = new Client({ url: rest.url, token: rest.token, automaticDeserialization: false });
    deserializing = new Client({ url: rest.url, token: rest.token });
  });
  afterAll(async () => {
    await rest?.stop();
    await server?.stop();
  });

  const post = async (
    path: string,
    body: string,
    headers: Record<string, string> = { authorization: "Bearer secret" },
  ) => {
    const response = await fetch(rest.url + path, { method: "POST", headers, body });
    return { status: response.status, body: await response.json() };
  };

  test.each([
    ["unicode", "비트코인 ₿ 🚀"],
    ["what looks like base64", "T0s="],
    ["control characters", "\u0000\u0001\r\n\t\u007f"],
    ["a value that looks like a status", "OK"],
    ["a number no double can hold", "95000000.10000000000000001"],
    ["nothing", ""],
  ])("keeps %s", async (_, value) => {
    expect(await raw.set("key", value)).toBe("OK");
    expect(await raw.get("key")).toBe(value);
    await raw.del("hash");
    await raw.hset("hash", { [value]: value, other: "x" });
    expect(await raw.hget("hash", value)).toBe(value);
    // Without deserialization the client leaves HGETALL as Redis answers it.
    expect(await raw.hgetall("hash")).toEqual([value, value, "other", "x"]);
    expect(await raw.eval("return {ARGV[1], {ARGV[1], 1, {ARGV[1]}}}", [], [value])).toEqual([
      value,
      [value, 1, [value]],
    ]);
  });

  test("serves the client as it comes out of the box too", async () => {
    await deserializing.set("object", { price: 1.5, name: "비트" });
    expect(await deserializing.get("object")).toEqual({ price: 1.5, name: "비트" });
    expect(await deserializing.hset("h", { a: 1, b: true })).toBeTypeOf("number");
    expect(await deserializing.hgetall("h")).toEqual({ a: 1, b: true });
    expect(await deserializing.get("nothing")).toBe(null);
    expect(await deserializing.ping()).toBe("PONG");
  });

  test("a status inside an array is a string like others", async () => {
    expect(await raw.eval("return {redis.status_reply('OK')}", [], [])).toEqual(["OK"]);
  });

  test("honours lower-case options", async () => {
    await raw.del("once");
    expect(await raw.set("once", "a", { nx: true, ex: 100 })).toBe("OK");
    expect(await raw.set("once", "b", { nx: true, ex: 100 })).toBe(null);
    expect(await raw.get("once")).toBe("a");
    expect(await raw.ttl("once")).toBeGreaterThan(90);
  });

  test("a failing command fails alone in a pipeline, and with 400 by itself", async () => {
    await raw.set("text", "abc");
    const pipeline = raw.pipeline();
    pipeline.set("before", "1").incr("text").get("before");
    const answers = await pipeline.exec({ keepErrors: true });
    expect(answers.map(({ result, error }) => result ?? error)).toEqual([
      "OK",
      expect.stringContaining("not an integer"),
      "1",
    ]);
    expect(await post("/", '["incr","text"]')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("ERR") },
    });
    expect(await post("/", '["nonsense"]')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("nonsense") },
    });
  });

  test("a transaction is whole, or refused", async () => {
    const multi = raw.multi();
    multi.set("n", "1").incrby("n", 2).get("n");
    expect(await multi.exec()).toEqual(["OK", 3, "3"]);
    expect(await post("/multi-exec", '[["set","n","9"],["nonsense"]]')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("EXECABORT") },
    });
    expect(await raw.get("n")).toBe("3");
    const partly = await post("/multi-exec", '[["set","n","text"],["incr","n"]]');
    expect(partly).toEqual({
      status: 200,
      body: [{ result: "OK" }, { error: expect.stringContaining("not an integer") }],
    });
  });

  test("transactions and other requests at once do not mix", async () => {
    await raw.del("counter");
    const rounds = Array.from({ length: 50 }, async () => {
      const multi = raw.multi();
      multi.incr("counter").incr("counter");
      const [[first, second]] = await Promise.all([multi.exec<[number, number]>(), raw.set("other", "x")]);
      expect(second).toBe(first + 1);
    });
    await Promise.all(rounds);
    expect(await raw.get("counter")).toBe("100");
  });

  test("subscriptions get what scripts publish", async () => {
    const channel = raw.subscribe<string>("prices:비트");
    const pattern = raw.psubscribe<{ n: number }>("prices:*");
    onTestFinished(() => Promise.all([channel.unsubscribe(), pattern.unsubscribe()]).then(() => undefined));
    const standing = [channel, pattern].map((subscriber, index) => {
      return new Promise((resolve) => subscriber.on(index === 0 ? "subscribe" : "pmessage", resolve));
    });
    const message = new Promise((resolve) => channel.on("message", resolve));
    expect(await standing[0]).toBe(1);
    // The client tells nothing of a pattern that stands, so publish until the server counts it.
    while ((await deserializing.eval("return redis.call('pubsub', 'numpat')", [], [])) !== 1);
    const text = '{"n":1,"s":"a,b"}';
    expect(await raw.eval("return redis.call('publish', KEYS[1], ARGV[1])", ["prices:비트"], [text])).toBe(2);
    expect(await message).toEqual({ channel: "prices:비트", message: text });
    expect(await standing[1]).toMatchObject({ channel: "prices:비트", pattern: "prices:*" });
  });

  test("a subscriber that leaves is unsubscribed", async () => {
    const leaving = new AbortController();
    const headers = { authorization: "Bearer secret" };
    await fetch(`${rest.url}/subscribe/left`, { method: "POST", headers, signal: leaving.signal });
    expect(await raw.eval("return redis.call('pubsub', 'numsub', 'left')", [], [])).toEqual(["left", 1]);
    leaving.abort();
    while ((await raw.publish("left", "x")) !== 0);
  });

  test("wants the token on every path", async () => {
    for (const path of ["/", "/pipeline", "/multi-exec", "/subscribe/x", "/nowhere"]) {
      for (const headers of [{}, { authorization: "Bearer wrong" }]) {
        expect(await post(path, "[]", headers)).toEqual({ status: 401, body: { error: expect.any(String) } });
      }
    }
    await expect(new Client({ url: rest.url, token: "wrong" }).get("x")).rejects.toThrow("WRONGPASS");
  });

  test.each([
    ["/", "{not json", 400, "not JSON"],
    ["/", "[]", 400, "not a command"],
    ["/", '["get", null]', 400, "not a command"],
    ["/pipeline", '["get","x"]', 400, "not a command"],
    ["/", '["BLPOP","x",0]', 400, "not available"],
    ["/multi-exec", '[["watch","x"]]', 400, "not available"],
    ["/nowhere", '["get","x"]', 404, "/pipeline"],
    ["/subscribe/%zz", "", 400, "URL-encoded"],
    ["/", `["set","big","${"x".repeat(10 * 1024 * 1024)}"]`, 413, "10485760"],
  ])("%s with %.20s is %i", async (path, body, status, error) => {
    expect(await post(path, body)).toEqual({ status, body: { error: expect.stringContaining(error) } });
  });

  test("Redis killed: a prompt error, the stream ends, and service resumes when it is back", async () => {
    const headers = { authorization: "Bearer secret" };
    const stream = await fetch(`${rest.url}/subscribe/x`, { method: "POST", headers });
    await server.kill();
    expect(await stream.text()).toBe("data: subscribe,x,1\n\n");
    for (const [path, body] of [
      ["/", '["get","x"]'],
      ["/pipeline", '[["get","x"]]'],
      ["/multi-exec", '[["get","x"]]'],
      ["/subscribe/x", ""],
    ] as const) {
      expect(await post(path, body)).toEqual({
        status: 503,
        body: { error: expect.stringContaining("not reachable") },
      });
    }
    await expect(raw.get("x")).rejects.toThrow("not reachable");
    await server.start();
    while ((await post("/", '["ping"]')).status !== 200);
    expect(await raw.set("x", "1")).toBe("OK");
  });

  test("Redis stopped in its tracks: an error after a few seconds", async () => {
    process.kill(server.pid, "SIGSTOP");
    onTestFinished(() => void process.kill(server.pid, "SIGCONT"));
    const answers = await Promise.all([post("/", '["get","x"]'), post("/subscribe/x", "")]);
    for (const { status, body } of answers) {
      expect({ status, body }).toEqual({ status: 503, body: { error: expect.stringContaining("did not answer") } });
    }
  });

  test("a start without Redis, or on a taken port, fails with the reason", async () => {
    const port = Number(new URL(rest.url).port);
    const taken = await startUpstashRest({ redisUrl: server.url, token: "t", port });
    expect(taken).toMatchObject({ ok: false, reason: expect.stringContaining("EADDRINUSE") });
    const away = await startUpstashRest({ redisUrl: "redis://127.0.0.1:1", token: "t" });
    expect(away).toMatchObject({ ok: false, reason: expect.stringContaining("ECONNREFUSED") });
  });
});
