import { env, evictDurableObject, SELF } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { openClient, openPublisher } from "../durable-objects/testing/test-socket.ts";
import { LIMITS } from "../protocol/limits.ts";
import { expectProblem, get, HOST, list, TOKEN } from "./testing/requests.ts";

const POLICY = { requests: '"requests";q=1200;w=60', connections: '"connections";q=600;w=60' } as const;

const MINUTE = 60_000;
/** Of a minute, for what is asked after all is used up, ms. */
const ENOUGH = 10_000;

const unused = Array.from({ length: 20 }, (_, last) => `192.0.2.${last}`);
const address = () => unused.pop() ?? expect.fail("all addresses are used");
const from = (ip: string) => ({ "CF-Connecting-IP": ip });

/** Uses up what an address has. It is counted by minutes of the clock here: one that is nearly over is waited for. */
async function useUp(limiter: RateLimit, key: string): Promise<void> {
  const left = MINUTE - (Date.now() % MINUTE);
  if (left < ENOUGH) await scheduler.wait(left);
  for (let asked = 0; asked <= 2 * LIMITS.requests_per_minute; asked += 100) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => limiter.limit({ key })));
    if (!answers.every(({ success }) => success)) return;
  }
  throw new Error(`${key} may ask as often as it likes`);
}

describe("requests", () => {
  it("of an address are told what it may, and then refused", async () => {
    const ip = address();
    const one = await get("/v1/markets", from(ip));
    expect([one.status, one.headers.get("RateLimit-Policy")]).toEqual([200, POLICY.requests]);
    // What remains is not known.
    expect([one.headers.get("RateLimit"), one.headers.get("Retry-After")]).toEqual([null, null]);
    await useUp(env.REQUEST_LIMITER, ip);
    for (const path of ["/v1/tickers", "/v1/health", "/docs", "/nothing", "/v1/registrations", "/v1/stream"]) {
      const refused = await get(path, from(ip));
      const said = ["RateLimit-Policy", "RateLimit", "Retry-After"].map((name) => refused.headers.get(name));
      expect(said).toEqual([POLICY.requests, '"requests";r=0', "60"]);
      expect(refused.headers.get("Access-Control-Expose-Headers")).toBe("Retry-After,RateLimit,RateLimit-Policy");
      await expectProblem(refused, 429, "rate_limited", "1200 requests a minute");
    }
    expect((await get("/v1/markets", from(address()))).status).toBe(200);
  });

  it.each(["/v1/nothing", "/docs", "/docs/swagger-ui.css", "/v1/trades/upbit/KRW-BTC"])(
    "are told so at %s, too",
    async (path) => {
      const response = await get(path, from(address()));
      expect(response.headers.get("RateLimit-Policy")).toBe(POLICY.requests);
      await response.body?.cancel();
    },
  );

  it("are not limited where nobody says whose they are", async () => {
    const response = await get("/v1/markets");
    expect([response.status, response.headers.get("RateLimit-Policy")]).toEqual([200, null]);
  });
});

describe("connections", () => {
  it("of an address, whatever they are, are refused apart from its requests", async () => {
    await list("upbit", "RATE");
    const network = "2001:db8:0:7";
    await useUp(env.CONNECTION_LIMITER, `${network}::/64`);
    const events = await get("/v1/sse?streams=upbit:RATE-KRW@trade", from(`${network}::1`));
    expect(events.headers.get("RateLimit-Policy")).toBe(POLICY.connections);
    await expectProblem(events, 429, "rate_limited", "600 connections a minute");
    for (const path of ["/v1/stream", "/v1/stream/upbit/RATE-KRW?channel=trade"]) {
      const client = await openClient(SELF, `${HOST}${path}`, from(`${network}:a:b:c:d`));
      expect(await client.next("error")).toMatchObject({ code: "rate_limited", retryable: true });
      expect((await client.closed).code).toBe(4100);
    }
    expect((await get("/v1/markets", from(`${network}::1`))).status).toBe(200);
    const other = await openClient(SELF, `${HOST}/v1/stream`, from("2001:db8:0:8::1"));
    expect(await other.next("welcome")).toMatchObject({ limits: LIMITS });
    other.ws.close(1000);
  });

  it.each([
    ["an instrument", "/v1/stream/upbit/RATE-KRW", () => env.SYMBOL_FEED.getByName("upbit:RATE-KRW")],
    ["a relay", "/v1/stream", () => env.FANOUT_RELAY.getByName("local-0")],
  ])("of an address to %s are so many at a time, and it forgets none", async (_, path, holder) => {
    await list("upbit", "RATE");
    const ip = address();
    const open = () => openClient(SELF, `${HOST}${path}`, from(ip));
    const clients = await Promise.all(Array.from({ length: LIMITS.connections_per_address }, open));
    await Promise.all(clients.map((client) => client.next("welcome")));
    await evictDurableObject(holder());
    const refused = await open();
    expect(await refused.next("error")).toMatchObject({ code: "rate_limited", message: expect.stringMatching("500") });
    expect((await refused.closed).code).toBe(4100);
    if (path === "/v1/stream") {
      const events = await get("/v1/sse?streams=upbit:RATE-KRW@trade", from(ip));
      await expectProblem(events, 429, "rate_limited", "500 connections");
    }
    const other = await openClient(SELF, `${HOST}${path}`, from(address()));
    await other.next("welcome");
    const [first, ...rest] = clients;
    first?.ws.close(1000);
    await first?.closed;
    const again = await open();
    await again.next("welcome");
    for (const client of [...rest, other, again]) client.ws.close(1000);
  });

  it("of the ingestor are not counted: it opens one for each instrument", async () => {
    await list("upbit", "RATE");
    const ip = address();
    await useUp(env.CONNECTION_LIMITER, ip);
    const publisher = await openPublisher(SELF, `${HOST}/v1/ingest/upbit/RATE-KRW`, { ...TOKEN, ...from(ip) });
    await publisher.next("ready");
    publisher.ws.close(1000);
  });
});
