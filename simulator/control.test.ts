import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Simulator } from "./simulator.ts";
import { startSimulator } from "./start-simulator.ts";

let simulator: Simulator;
let own: string;

beforeAll(async () => {
  simulator = await startSimulator({ paused: true });
  own = new URL(simulator.controlUrl).host;
});
afterAll(() => simulator.stop());

/** With any `Host` and `Origin`, as a browser would send them. */
async function ask(method: string, path: string, headers: Record<string, string> = {}, body = "") {
  const asked = request(`${simulator.controlUrl}${path}`, { method, headers }).end(body);
  const [response]: IncomingMessage[] = await once(asked, "response");
  if (response === undefined) throw new Error("no response");
  return { status: response.statusCode, body: await json(response) };
}

const port = () => own.slice(own.indexOf(":"));

test.each([
  ["no browser", () => ({})],
  ["its own page", () => ({ Origin: `http://${own}` })],
  ["localhost", () => ({ Host: `localhost${port()}`, Origin: `http://localhost${port()}` })],
  ["another address of the machine", () => ({ Host: `192.0.2.1${port()}` })],
  ["an IPv6 address", () => ({ Host: `[::1]${port()}` })],
])("obeys %s", async (_, headers) => {
  expect((await ask("POST", "/execute", headers(), '{"count":1}')).status).toBe(200);
});

test.each([
  ["a page of another origin", () => ({ Origin: "https://evil.test" })],
  ["a page on another port", () => ({ Origin: "http://127.0.0.1:1" })],
  ["a page without an origin", () => ({ Origin: "null" })],
  ["a name that was made to point here", () => ({ Host: `evil.test${port()}` })],
  ["the same, as its own page", () => ({ Host: `evil.test${port()}`, Origin: `http://evil.test${port()}` })],
  ["a name that only begins like an address", () => ({ Host: `127.0.0.1.evil.test${port()}` })],
  ["no name at all", () => ({ Host: "a b" })],
])("neither obeys nor tells anything to %s", async (_, headers) => {
  const { head } = simulator.state();
  for (const [method, path] of [
    ["POST", "/execute"],
    ["POST", "/resume"],
    ["GET", "/executed"],
    ["GET", ""],
  ] as const) {
    expect(await ask(method, path, headers())).toEqual({ status: 403, body: { error: expect.any(String) } });
  }
  expect(simulator.state()).toMatchObject({ head, paused: true });
});

test.each(["after=0x10", "after=-1", "limit=1e3", "limit=0", "limit=", "limit=10001"])("refuses %s", async (query) => {
  expect((await ask("GET", `/executed?${query}`)).status).toBe(400);
});
