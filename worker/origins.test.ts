import { describe, expect, it } from "vitest";
import { openClient } from "../durable-objects/testing/test-socket.ts";
import { LIMITS } from "../protocol/limits.ts";
import { endpointsOf } from "./endpoints.ts";
import { originsOf } from "./origins.ts";
import { deployedWith, expectProblem, HOST, list } from "./testing/requests.ts";

const PAGE = "https://app.test";
const OTHER = "https://evil.test";
const listed = deployedWith({ ALLOWED_ORIGINS: `${PAGE}, http://localhost:5173/` });
const from = (origin: string) => ({ headers: { Origin: origin } });

describe("a list of origins", () => {
  it("is read, whatever is around the names", () => {
    expect(originsOf(" https://a.test/x ,, http://localhost:5173")).toEqual([
      "https://a.test",
      "http://localhost:5173",
    ]);
    expect([originsOf(undefined), originsOf(""), originsOf(" , ")]).toEqual([[], [], []]);
  });

  it.each(["app.test", "*", "https://*.app.test", "file:///x", "data:text/html,x", "null"])(
    "does not hide %j",
    (name) => {
      expect(() => originsOf(name)).toThrow(TypeError);
      expect(() => endpointsOf(name, HOST)).toThrow(TypeError);
    },
  );
});

describe("where origins are listed", () => {
  it.each(["/v1/markets", "/v1/info", "/openapi.json", "/nothing"])("a page of the list may read %s", async (path) => {
    for (const origin of [PAGE, "http://localhost:5173", HOST]) {
      const response = await listed.fetch(path, from(origin));
      expect(response.status).not.toBe(403);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe(origin);
      expect(response.headers.get("Vary")).toContain("Origin");
      await response.body?.cancel();
    }
  });

  it.each([
    ["GET", "/v1/tickers"],
    ["GET", "/v1/sse?streams=upbit:BTC-KRW@trade"],
    ["HEAD", "/v1/markets"],
    ["GET", "/v1/health"],
    ["GET", "/v1/stream"],
    ["POST", "/v1/admin/drain"],
  ])("%s %s is refused to any other page", async (method, path) => {
    for (const origin of [OTHER, "null", `${PAGE}:8443`, "http://app.test", `${PAGE}.evil.test`]) {
      const response = await listed.fetch(path, { method, ...from(origin) });
      expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
      if (method === "HEAD") expect(response.status).toBe(403);
      else await expectProblem(response, 403, "forbidden", origin);
    }
  });

  it("a preflight tells a browser the same", async () => {
    const preflight = (origin: string) =>
      listed.fetch("/v1/tickers", {
        method: "OPTIONS",
        headers: { Origin: origin, "Access-Control-Request-Method": "GET" },
      });
    expect((await preflight(PAGE)).headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    expect((await preflight(OTHER)).headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  it("who is no browser may ask", async () => {
    expect((await listed.fetch("/v1/markets")).status).toBe(200);
  });

  it.each(["/v1/stream", "/v1/stream/upbit/ORI-KRW?channel=trade"])("so it is with a socket to %s", async (path) => {
    await list("upbit", "ORI");
    for (const headers of [{}, { Origin: PAGE }]) {
      const client = await openClient(listed, `${HOST}${path}`, headers);
      expect(await client.next("welcome")).toMatchObject({ limits: LIMITS });
      client.ws.close(1000);
    }
    const refused = await openClient(listed, `${HOST}${path}`, { Origin: OTHER });
    expect(await refused.next("error")).toMatchObject({ code: "forbidden", retryable: false });
    expect((await refused.closed).code).toBe(4203);
  });
});

it("any page may ask where none is listed", async () => {
  const open = deployedWith({ ALLOWED_ORIGINS: "" });
  const response = await open.fetch("/v1/markets", from(OTHER));
  expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([200, "*"]);
});
