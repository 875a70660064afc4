import { env, listDurableObjectIds } from "cloudflare:test";
import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { openClient } from "../durable-objects/testing/test-socket.ts";
import { deployedWith, expectProblem, HOST, list, TOKEN } from "./testing/requests.ts";

const SECRET = "a-secret-of-the-deployment-that-is-long";
const closed = deployedWith({ CLIENT_TOKEN_SECRET: SECRET, ADMIN_TOKEN: "test-admin-token" });

/** @param claims instead of the right ones */
function token(claims: object = {}, secret = SECRET, alg = "HS256"): Promise<string> {
  const soon = Math.floor(Date.now() / 1000) + 60;
  return new SignJWT({ aud: "tickcast", exp: soon, ...claims })
    .setProtectedHeader({ alg })
    .sign(new TextEncoder().encode(secret));
}

const base64 = (part: object) => btoa(JSON.stringify(part)).replaceAll("=", "");
const GOOD = await token();
const seconds = Math.floor(Date.now() / 1000);

const BAD = [
  ["no token", undefined, "send a client token"],
  ["an empty one", "", "send a client token"],
  ["an expired one", await token({ exp: seconds - 1 }), "has expired"],
  ["one without exp", await token({ exp: undefined }), '"exp"'],
  ["one for another audience", await token({ aud: "elsewhere" }), 'must be "tickcast"'],
  ["one for no audience", await token({ aud: undefined }), 'must be "tickcast"'],
  ["one that is not valid yet", await token({ nbf: seconds + 600 }), '"nbf"'],
  ["one of another secret", await token({}, `${SECRET}.`), "signature"],
  ["one by another algorithm", await token({}, SECRET, "HS512"), "HS256"],
  ["an unsigned one", `${base64({ alg: "none" })}.${base64({ aud: "tickcast", exp: seconds + 60 })}.`, "HS256"],
  ["a changed one", GOOD.replace(/\.[^.]+\./, `.${base64({ aud: "tickcast", exp: seconds + 9999 })}.`), "signature"],
  ["the operator's", "test-admin-token", "not a JWT"],
  ["null claims", `${base64({ alg: "HS256" })}.bnVsbA.AA`, "signature"],
] as const;

const GUARDED = [
  "/v1/exchanges",
  "/v1/markets",
  "/v1/tickers",
  "/v1/tickers/upbit/TOK-KRW",
  "/v1/trades/upbit/TOK-KRW?limit=5",
  "/v1/nothing",
];

describe("where clients need tokens", () => {
  it.each(BAD)("REST, events and sockets are closed to %s", async (_, wrong, detail) => {
    const bearer = wrong === undefined ? {} : { Authorization: `Bearer ${wrong}` };
    const query = wrong === undefined ? "" : `?token=${wrong}`;
    for (const [path, headers] of [
      ["/v1/markets", bearer],
      [`/v1/markets${query}`, {}],
      ["/v1/sse?streams=upbit:TOK-KRW@trade", bearer],
    ] as const) {
      const response = await closed.fetch(path, { headers });
      expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
      await expectProblem(response, 401, "unauthorized", detail);
    }
    for (const [path, headers] of [
      ["/v1/stream", bearer],
      [`/v1/stream/upbit/TOK-KRW${query}`, {}],
    ] as const) {
      const client = await openClient(closed, `${HOST}${path}`, headers);
      const { code, message } = await client.next("error");
      expect([code, message]).toEqual(["unauthorized", expect.stringContaining(detail)]);
      expect((await client.closed).code).toBe(4201);
    }
  });

  it.each(GUARDED)("%s needs one, by header or query", async (path) => {
    await list("upbit", "TOK");
    await expectProblem(await closed.fetch(path), 401, "unauthorized");
    const inQuery = `${path}${path.includes("?") ? "&" : "?"}token=${GOOD}`;
    for (const answer of [
      await closed.fetch(path, { headers: { Authorization: `bearer ${GOOD}` } }),
      await closed.fetch(inQuery),
      await closed.fetch(inQuery, { headers: { Authorization: "Basic eDp5" } }),
      await closed.fetch(await sign(path, { aud: ["elsewhere", "tickcast"] })),
    ]) {
      expect(answer.status).toBe(path === "/v1/nothing" ? 404 : 200);
    }
    const wrong = { headers: { Authorization: "Bearer wrong" } };
    await expectProblem(await closed.fetch(inQuery, wrong), 401, "unauthorized", "not a JWT");
  });

  it.each(["/v1/stream", "/v1/stream/upbit/TOK-KRW"])("so does a socket to %s", async (path) => {
    await list("upbit", "TOK");
    for (const [query, headers] of [
      ["", { Authorization: `Bearer ${GOOD}` }],
      [`?token=${GOOD}`, {}],
    ] as const) {
      const client = await openClient(closed, `${HOST}${path}${query}`, headers);
      await client.next("welcome");
      client.ws.close(1000);
    }
  });

  it("events are sent to who has one", async () => {
    const path = `/v1/sse?streams=upbit:TOK-KRW@trade&token=${GOOD}`;
    const response = await closed.fetch(path, { method: "HEAD" });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  });

  it.each(["/v1/health", "/v1/info", "/openapi.json", "/docs"])("%s is open to everyone", async (path) => {
    expect([200, 503]).toContain((await closed.fetch(path)).status);
  });

  it("the ingestor and the operator show their own", async () => {
    await expectProblem(await closed.fetch("/v1/registrations"), 401, "unauthorized", "ADMIN_TOKEN");
    await expectProblem(await closed.fetch(`/v1/registrations`, bearer(GOOD)), 401, "unauthorized", "ADMIN_TOKEN");
    expect((await closed.fetch("/v1/registrations", bearer("test-admin-token"))).status).toBe(200);
    const body = JSON.stringify({ markets: [] });
    const put = (headers: HeadersInit) => closed.fetch("/v1/ingest/binance/markets", { method: "PUT", headers, body });
    expect((await put(TOKEN)).status).toBe(204);
    await expectProblem(await put(bearer(GOOD).headers), 401, "unauthorized", "INGEST_TOKEN");
  });

  it("wakes no object for who has none", async () => {
    await list("upbit", "SLEEPER");
    await closed.fetch("/v1/trades/upbit/SLEEPER-KRW");
    const client = await openClient(closed, `${HOST}/v1/stream/upbit/SLEEPER-KRW?channel=trade`);
    await client.closed;
    const feed = env.SYMBOL_FEED.idFromName("upbit:SLEEPER-KRW");
    const woken = async () => (await listDurableObjectIds(env.SYMBOL_FEED)).some((id) => id.equals(feed));
    expect(await woken()).toBe(false);
    await closed.fetch("/v1/trades/upbit/SLEEPER-KRW", bearer(GOOD));
    expect(await woken()).toBe(true);
  });

  it("keeps what it shows out of caches that others share", async () => {
    const shown = await closed.fetch("/v1/markets", bearer(GOOD));
    expect(shown.headers.get("Cache-Control")).toBe("private, max-age=10");
  });

  it("says so in its OpenAPI", async () => {
    const api = await (await closed.fetch("/openapi.json")).json<{
      security?: object;
      paths: Record<string, object>;
    }>();
    expect(api.security).toEqual([{ client: [] }]);
    expect(api.paths["/v1/health"]).toMatchObject({ get: { security: [] } });
  });
});

it("none is needed, nor in the way, where the deployment has no secret", async () => {
  const open = deployedWith({ CLIENT_TOKEN_SECRET: "" });
  for (const path of ["/v1/markets", "/v1/markets?token=x"]) {
    const response = await open.fetch(path, bearer("wrong"));
    expect([response.status, response.headers.get("Cache-Control")]).toEqual([200, "public, max-age=10"]);
  }
  const twice = await open.fetch("/v1/markets?token=x&token=y");
  await expectProblem(twice, 400, "bad_request", '"token"');
});

function bearer(value: string) {
  return { headers: { Authorization: `Bearer ${value}` } };
}

async function sign(path: string, claims: object): Promise<string> {
  return `${path}${path.includes("?") ? "&" : "?"}token=${await token(claims)}`;
}
