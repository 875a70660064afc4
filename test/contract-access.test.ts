/** What PROTOCOL.md promises of who may ask, from outside: origins, client tokens, and how often an address may. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startWorker, type Worker } from "../local/worker.ts";
import { infoBody } from "../protocol/rest.ts";
import { RawSocket } from "./support/raw-socket.ts";
import { until } from "./support/until.ts";

const SECRET = "what-only-the-deployer-and-its-server-know";
const PAGE = "https://app.test";
const STREAM = "/v1/stream/upbit/BTC-KRW";
const EVENTS = "/v1/sse?streams=upbit:BTC-KRW@trade";

/** @param claims instead of the right ones */
function token(claims: object = {}, secret = SECRET): Promise<string> {
  return new SignJWT({ aud: "tickcast", exp: Math.floor(Date.now() / 1000) + 3600, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));
}

const GOOD = await token();
const BAD = [
  ["no token", undefined, "send a client token"],
  ["an expired token", await token({ exp: Math.floor(Date.now() / 1000) - 1 }), "expired"],
  ["a token for another audience", await token({ aud: "another" }), '"tickcast"'],
  ["a token that never expires", await token({ exp: undefined }), '"exp"'],
  ["a token of another secret", await token({}, "what-somebody-guesses"), "signature"],
] as const;

describe("the contract of a deployment that lists origins and asks for tokens", () => {
  let folder: string;
  let worker: Worker;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tickcast-test-"));
    worker = await startWorker({
      persistDir: join(folder, "state"),
      logFile: join(folder, "worker.log"),
      bundle: inject("workerBundle"),
      vars: { INGEST_TOKEN: "ingest", ALLOWED_ORIGINS: PAGE, CLIENT_TOKEN_SECRET: SECRET },
    });
    const market = {
      instrument: "upbit:BTC-KRW",
      exchange: "upbit",
      base: "BTC",
      quote: "KRW",
      nativeSymbol: "KRW-BTC",
    };
    const markets = [{ ...market, names: { ko: null, en: null }, status: null, warning: null }];
    const headers = { Authorization: "Bearer ingest" };
    const body = JSON.stringify({ markets });
    await fetch(`${worker.url}/v1/ingest/upbit/markets`, { method: "PUT", headers, body });
  });

  afterAll(async () => {
    await worker?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(BAD)("%s: 401, and 4201 on a socket, with the reason", async (_, wrong, reason) => {
    const query = wrong === undefined ? "" : `token=${wrong}`;
    for (const path of [`/v1/tickers?${query}`, `/v1/trades/upbit/BTC-KRW?${query}`, `${EVENTS}&${query}`]) {
      await expectProblem(path, {}, 401, "unauthorized", reason);
    }
    for (const path of [`${STREAM}?${query}`, `/v1/stream?${query}`]) {
      await expectRefused(path, {}, 4201, "unauthorized", reason);
    }
  });

  test("with a token, in a header or in the URL, a client gets in", async () => {
    for (const [query, headers] of [
      [`token=${GOOD}`, {}],
      ["", { Authorization: `Bearer ${GOOD}` }],
    ] as const) {
      const markets = await fetch(`${worker.url}/v1/markets?${query}`, { headers });
      expect(await markets.json()).toMatchObject({ markets: [{ instrument: "upbit:BTC-KRW" }] });
      for (const path of [`${STREAM}?channel=trade&${query}`, `/v1/stream?${query}`]) {
        const socket = await RawSocket.open(worker.url, path, headers);
        await until(() => socket.frames.some(({ op }) => op === "welcome"), `a welcome at ${path}`);
        socket.close();
      }
      const events = await fetch(`${worker.url}${EVENTS}&${query}`, { headers });
      expect([events.status, events.headers.get("Content-Type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
      await events.body?.cancel();
    }
  });

  test("what says how it is and how to ask is open", async () => {
    for (const path of ["/v1/info", "/v1/health", "/openapi.json", "/docs"]) {
      expect([200, 503], path).toContain((await fetch(worker.url + path)).status);
    }
  });

  test("a page of another origin is refused: 403, and 4203 on a socket", async () => {
    const evil = { Origin: "https://evil.test" };
    for (const path of [`/v1/tickers?token=${GOOD}`, `${EVENTS}&token=${GOOD}`, "/v1/info"]) {
      const response = await expectProblem(path, evil, 403, "forbidden", "https://evil.test");
      expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
    await expectRefused(`${STREAM}?token=${GOOD}`, evil, 4203, "forbidden", "https://evil.test");
    await expectRefused(`/v1/stream?token=${GOOD}`, evil, 4203, "forbidden", "https://evil.test");
  });

  test("a page of the list is let in, and one of the deployment itself", async () => {
    for (const origin of [PAGE, worker.url]) {
      const headers = { Origin: origin };
      const response = await fetch(`${worker.url}/v1/markets?token=${GOOD}`, { headers });
      expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([200, origin]);
      const socket = await RawSocket.open(worker.url, `/v1/stream?token=${GOOD}`, headers);
      await until(() => socket.frames.some(({ op }) => op === "welcome"), "a welcome");
      socket.close();
    }
  });

  test("a client is told how much it may", async () => {
    const { limits } = infoBody.parse(await (await fetch(`${worker.url}/v1/info`)).json());
    for (const path of [STREAM, "/v1/stream"]) {
      const socket = await RawSocket.open(worker.url, `${path}?token=${GOOD}`);
      await until(() => socket.frames.length > 0, "a welcome");
      expect(socket.frames[0]).toMatchObject({ op: "welcome", limits });
      socket.close();
    }
  });

  test("an address that asks too often is told so, and others are not", async () => {
    const { limits } = infoBody.parse(await (await fetch(`${worker.url}/v1/info`)).json());
    const hurried = { headers: { "CF-Connecting-IP": "203.0.113.7" } };
    let refused: Response | undefined;
    // A minute may end meanwhile: then it begins to be counted anew.
    for (let asked = 0; refused === undefined && asked <= 2 * limits.requests_per_minute; asked += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(`${worker.url}/v1/markets`, hurried)));
      refused = answers.find(({ status }) => status === 429);
    }
    expect(await refused?.json()).toMatchObject({ code: "rate_limited", status: 429, retryable: true });
    const said = ["RateLimit-Policy", "RateLimit", "Retry-After"].map((name) => refused?.headers.get(name));
    expect(said).toEqual([`"requests";q=${limits.requests_per_minute};w=60`, '"requests";r=0', "60"]);
    for (const headers of [{}, { "CF-Connecting-IP": "203.0.113.8" }]) {
      expect((await fetch(`${worker.url}/v1/markets?token=${GOOD}`, { headers })).status).toBe(200);
    }
  });

  async function expectProblem(path: string, headers: object, status: number, code: string, mentions: string) {
    const response = await fetch(worker.url + path, { headers: { ...headers } });
    expect(response.headers.get("Content-Type"), path).toBe("application/problem+json");
    const detail = expect.stringContaining(mentions);
    expect(await response.json(), path).toMatchObject({ status, code, detail, retryable: false });
    expect(response.status, path).toBe(status);
    return response;
  }

  async function expectRefused(path: string, headers: object, close: number, code: string, mentions: string) {
    const socket = await RawSocket.open(worker.url, path, { ...headers });
    await until(() => socket.closeCode !== undefined, `${path} closed`);
    const message = expect.stringContaining(mentions);
    expect(socket.frames, path).toMatchObject([{ op: "error", code, message, retryable: false }]);
    expect(socket.closeCode, path).toBe(close);
  }
});
