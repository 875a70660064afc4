/** Requests to the whole Worker, as a client and an ingestor make them: for tests. */

import { createExecutionContext, env, SELF } from "cloudflare:test";
import { expect } from "vitest";
import type { IngestReport, Market } from "../../protocol/ingest.ts";
import { problem } from "../../protocol/rest.ts";
import { app } from "../app.ts";
import type { Env } from "../env.ts";

/** What PUBLIC_URL names in tests. */
export const HOST = "https://tickcast.test";
/** What an ingestor is let in with. */
export const TOKEN = { Authorization: `Bearer ${env.INGEST_TOKEN}` };

/** As anyone may ask. */
export function get(path: string, headers = {}): Promise<Response> {
  return SELF.fetch(`${HOST}${path}`, { headers });
}

/** The Worker with other settings than those of all tests; for {@link upgrade} and its like, too. */
export function deployedWith(settings: Partial<Env>) {
  return {
    fetch: async (url: string, init: RequestInit = {}) =>
      app.fetch(new Request(new URL(url, HOST), init), { ...env, ...settings }, createExecutionContext()),
  };
}

/** As the ingestor puts it, unless other headers are given; text goes as it is. */
export function put(path: string, body: unknown, headers: Record<string, string> = TOKEN): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return SELF.fetch(`${HOST}${path}`, { method: "PUT", headers, body: text });
}

/** A row of a market list. */
export function market(exchange: string, base: string, quote = "KRW"): Market {
  return {
    instrument: `${exchange}:${base}-${quote}`,
    exchange,
    base,
    quote,
    nativeSymbol: `${quote}-${base}`,
    names: { ko: null, en: base },
    status: "active",
    warning: null,
  };
}

/** Of an ingestor for which all is well. */
export function report(over: Partial<IngestReport> = {}): IngestReport {
  const now = Date.now();
  return {
    status: { state: "live", source: "simulated", since: now, asOf: now },
    kafka: "absent",
    lastEventTime: now,
    term: 0,
    hints: [],
    ...over,
  };
}

/** Puts the list of an exchange, all of it against KRW. */
export async function list(exchange: string, ...bases: string[]): Promise<void> {
  const markets = bases.map((base) => market(exchange, base));
  expect((await put(`/v1/ingest/${exchange}/markets`, { markets })).status).toBe(204);
}

/** @param detail what it must say, among other things */
export async function expectProblem(response: Response, status: number, code: string, detail = ""): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  const body = problem.parse(await response.json());
  expect(body).toMatchObject({ status, code });
  expect(body.detail).toContain(detail);
}
