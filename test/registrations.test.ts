/** Registrations changed while prices flow: clients of a removed instrument are notified, one added again has no unannounced gap. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { requireKafka } from "../local/testing.ts";
import { upbit } from "../simulator/upbit/dialect.ts";
import { expectNoRepeats, expectUnbroken, quiesce } from "./support/complete.ts";
import { RawSocket } from "./support/raw-socket.ts";
import { Reconciler } from "./support/reconciler.ts";
import { Recorder } from "./support/recorder.ts";
import { startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const kafka = await requireKafka();
const ETH = "ETH-KRW";

kafka.describe("registrations under load", () => {
  let stack: TestStack;
  let everything: Reconciler;
  /** A wildcard over all of them. */
  let wildcard: RawSocket;

  beforeAll(async () => {
    const listings = upbit.listings().slice(0, 10);
    stack = await startTestStack({ simulator: { rate: 300, listings }, redis: false });
    everything = await Reconciler.of(stack, "upbit");
    wildcard = await RawSocket.open(stack.url, "/v1/stream?streams=upbit:*-*@trade@raw");
    await until(() => ethTrades() > 0, "a trade under the wildcard");
  });

  afterAll(async () => {
    everything?.close();
    wildcard?.close();
    await stack?.stop();
  });

  async function ask(method: string, path: string, body?: unknown, token = stack.adminToken) {
    const response = await fetch(stack.url + path, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }
  const recorderOf = (symbol: string) =>
    everything.recorders.find(({ stream }) => stream.startsWith(`upbit:${symbol}@`));
  const ethTrades = () => wildcard.items.filter(({ instrument }) => instrument === `upbit:${ETH}`).length;
  const isListed = async () => (await stack.get(`/v1/trades/upbit/${ETH}`)).status === 200;

  test("removed: its clients are notified within 5 s, and no other is affected", async () => {
    const eth = recorderOf(ETH);
    const begun = Date.now();
    expect(await ask("DELETE", `/v1/registrations/upbit/${ETH}`)).toEqual({ status: 204, body: null });
    await until(() => eth?.closes.includes(4204) === true, "its clients to be told");
    // The report that brings the rule is sent every 3 s; the rest is for a busy machine.
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect(await isListed()).toBe(false);
    expect((await ask("GET", "/v1/registrations")).body).toEqual({
      registrations: [{ exchange: "upbit", symbol: ETH, collected: false }],
      default: "all",
    });
    const { head = 0 } = stack.simulator?.state() ?? {};
    await everything.receives(200);
    const others = stack.executed().filter(({ seq, market }) => seq > head && market !== "KRW-ETH");
    expect(others.every(({ sentTo }) => sentTo === 1)).toBe(true);
    expect(everything.recorders.filter(({ closes }) => closes.length > 0)).toEqual([eth]);
    await until(() => wildcard.frames.some(({ op }) => op === "ended"), "the wildcard to be told");
    expect(wildcard.frames.filter(({ op }) => op === "ended")).toMatchObject([
      { instruments: [`upbit:${ETH}`], error: { code: "unknown_instrument" } },
    ]);
    expect(wildcard.closeCode).toBeUndefined();
  });

  test("added again: what was traded meanwhile is announced as missing, and fetched", async () => {
    const last = recorderOf(ETH)?.last;
    const before = ethTrades();
    await ask("POST", "/v1/registrations", { exchange: "upbit", symbol: ETH });
    expect((await ask("GET", "/v1/registrations")).body).toEqual({ registrations: [], default: "all" });
    await until(isListed, "it to be listed");
    await until(() => ethTrades() > before, "its trades under the wildcard");
    // A client resumes from the position at which it was closed.
    const again = new Recorder(stack.url, `upbit:${ETH}@trade@raw`, { epoch: last?.epoch ?? "", seq: last?.seq ?? 0 });
    try {
      await until(() => again.gaps.some(({ state }) => state === "healed"), "the gap to be healed");
      expect(again.gaps.map(({ cause }) => cause)).toContain("not_collected");
      expect(again.subscribed.map(({ recovered }) => recovered)).toEqual([true]);
      const log = await quiesce(stack, [again]);
      const ids = [...(recorderOf(ETH)?.trades ?? []), ...again.trades].map(({ id }) => id);
      expect(ids.length - new Set(ids).size).toBe(0);
      const first = stack.executed().findIndex(({ market, id }) => market === "KRW-ETH" && id === ids[0]);
      const expected = stack
        .executed()
        .slice(first)
        .filter(({ market }) => market === "KRW-ETH");
      expect(ids.toSorted()).toEqual(expected.map(({ id }) => id).toSorted());
      expectNoRepeats(log);
      expectUnbroken(again, log);
    } finally {
      again.close();
      stack.simulator?.pace.resume();
    }
  });

  test.each([
    ["POST", "/v1/registrations", '{"exchange":"upbit"', 400, "bad_request", "JSON"],
    ["POST", "/v1/registrations", { exchange: "upbit" }, 400, "bad_request", "symbol"],
    ["POST", "/v1/registrations", { exchange: "upbit", symbol: "btc-krw" }, 400, "bad_request", "BTC-KRW"],
    ["POST", "/v1/registrations", { exchange: "upbit", symbol: "NOCOIN-KRW" }, 404, "unknown_instrument", "NOCOIN-KRW"],
    ["DELETE", "/v1/registrations/upbit/KRW-BTC", undefined, 400, "bad_request", "BTC-KRW"],
    ["DELETE", "/v1/registrations/mars/BTC-KRW", undefined, 404, "unknown_instrument", "upbit"],
    ["GET", "/v1/registrations?x=1", undefined, 400, "bad_request", "x"],
  ])("%s %s %j is refused with %i", async (method, path, body, status, code, hint) => {
    const answer = await ask(method, path, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.detail).toContain(hint);
  });

  test("a wrong token opens nothing", async () => {
    for (const [method, path] of [
      ["GET", "/v1/registrations"],
      ["POST", "/v1/admin/drain"],
    ] as const) {
      expect(await ask(method, path, undefined, "wrong")).toMatchObject({
        status: 401,
        body: { code: "unauthorized" },
      });
    }
  });

  test("a drain has every client reconnect, and none of them loses anything", async () => {
    const recorder = new Recorder(stack.url, "upbit:BTC-KRW@trade@raw");
    try {
      await until(() => recorder.trades.length > 10, "trades");
      expect((await ask("POST", "/v1/admin/drain", { within: 1000 })).status).toBe(202);
      await recorder.ready(2);
      expect(recorder.subscribed[1]?.recovered).toBe(true);
      // Every partition passes the order on; it is told once.
      await until(() => wildcard.frames.some(({ op }) => op === "reconnect"), "the wildcard's order");
      expect(wildcard.frames.filter(({ op }) => op === "reconnect")).toHaveLength(1);
      const { length } = recorder.trades;
      await until(() => recorder.trades.length > length + 10, "trades after it");
      expectUnbroken(recorder, await quiesce(stack, [recorder]));
    } finally {
      recorder.close();
    }
  });
});
