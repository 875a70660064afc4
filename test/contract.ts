/** What PROTOCOL.md promises of REST and the socket, from outside; the same in every mode. */

import { expect, test } from "vitest";
import { serverFrame } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import { RawSocket } from "./support/raw-socket.ts";
import { Recorder } from "./support/recorder.ts";
import type { TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

/** @param stack of a running stack whose prices flow */
export function contract(stack: () => TestStack): void {
  test("REST: a ticker, the list, trades, markets, exchanges, info, health, OpenAPI", async () => {
    const one = await body("/v1/tickers/upbit/BTC-KRW");
    expect(one).toMatchObject({ instrument: "upbit:BTC-KRW", source: "simulated", ticker: { window: "utc-day" } });
    expect(Date.now() - (one as { t: { logged: number } }).t.logged).toBeLessThan(10_000);
    const { tickers } = (await body("/v1/tickers?exchange=upbit&base=BTC")) as { tickers: { instrument: string }[] };
    expect(tickers.map(({ instrument }) => instrument)).toContain("upbit:BTC-USDT");
    const { trades } = (await body("/v1/trades/upbit/BTC-KRW?limit=5")) as { trades: { seq: number }[] };
    expect(trades.length).toBeLessThanOrEqual(5);
    expect(trades.map(({ seq }) => seq)).toEqual(trades.map(({ seq }) => seq).sort((a, b) => a - b));
    const { markets } = (await body("/v1/markets?quote=KRW&base=BTC")) as { markets: unknown[] };
    expect(markets).toMatchObject([
      { instrument: "upbit:BTC-KRW", nativeSymbol: "KRW-BTC", names: { ko: "비트코인", en: "Bitcoin" } },
    ]);
    const live = [{ exchange: "upbit", state: "live", source: "simulated" }];
    await until(async () => JSON.stringify(await body("/v1/exchanges")).includes('"live"'), "a live exchange");
    expect(await body("/v1/exchanges")).toMatchObject({ exchanges: live });
    expect(await body("/v1/info")).toMatchObject({ name: "tickcast", mode: stack().mode, limits: LIMITS });
    expect(await body("/v1/health")).toMatchObject({ status: "ok", mode: stack().mode });
    expect(await body("/openapi.json")).toMatchObject({ openapi: "3.1.0" });
  });

  test("REST: a mistake gets a problem document that says what would be right", async () => {
    await expectProblem("/v1/tickers/upbit/KRW-BTC", 400, "bad_request", "did you mean BTC-KRW?");
    await expectProblem("/v1/tickers/upbit/NOPE-KRW", 404, "unknown_instrument", "upbit:NOPE-KRW");
    await expectProblem("/v1/tickers?exchagne=upbit", 400, "bad_request", "exchagne");
    await expectProblem("/v1/trades/upbit/BTC-KRW?limit=many", 400, "bad_request", "limit");
    await expectProblem("/v1/nothing", 404, "not_found", "/v1/nothing");
  });

  test("socket: welcome, subscribed, snapshot, then items whose prev chain holds", async () => {
    const socket = await RawSocket.open(stack().url, "/v1/stream/upbit/BTC-KRW?channel=ticker,trade&rate=raw");
    await until(() => socket.items.length > 20, "items");
    expect(socket.frames.slice(0, 3).map(({ op }) => op)).toEqual(["welcome", "subscribed", "data"]);
    expect(socket.frames[0]).toMatchObject({ limits: LIMITS });
    for (const frame of socket.frames) expect(serverFrame.safeParse(frame).success, JSON.stringify(frame)).toBe(true);
    const last = new Map<string, number>();
    for (const { stream, prev, seq, snapshot, source } of socket.items) {
      expect(source).toBe("simulated");
      if (snapshot) expect(prev).toBe(0);
      else expect(prev, stream).toBe(last.get(stream));
      last.set(stream, seq);
    }
    await until(() => socket.frames.some(({ op }) => op === "status"), "a status");
    socket.send('{"op":"ping"}');
    await until(() => socket.frames.some(({ op }) => op === "pong"), "a pong");
    socket.close();
  });

  test("socket: a client that comes back with its position gets what it missed, and nothing twice", async () => {
    const first = new Recorder(stack().url, "upbit:ETH-KRW@trade@raw");
    await until(() => first.trades.length > 5, "trades");
    const { epoch = "", seq = 0 } = first.last ?? {};
    const seen = first.trades.length;
    const second = new Recorder(stack().url, "upbit:ETH-KRW@trade@100ms", { epoch, seq });
    await until(() => second.trades.length > 10 && first.trades.length > seen + 10, "more trades");
    expect(second.subscribed[0]).toMatchObject({ recovered: true, seq });
    const newest = Math.min(first.last?.seq ?? 0, second.last?.seq ?? 0);
    const after = (recorder: Recorder) => recorder.trades.filter((trade) => trade.seq > seq && trade.seq <= newest);
    expect(after(second)).toEqual(after(first));
    first.close();
    second.close();
  });

  test("socket: mistakes are answered and cost nothing else, but for a message that is too long", async () => {
    const socket = await RawSocket.open(stack().url, "/v1/stream/upbit/BTC-KRW");
    await until(() => socket.frames.length > 0, "a welcome");
    const answer = async (text: string) => {
      const before = socket.frames.length;
      socket.send(text);
      await until(
        () => socket.frames.slice(before).some(({ op }) => op !== "status" && op !== "data"),
        `an answer to ${text.slice(0, 40)}`,
      );
      return socket.frames.slice(before).find(({ op }) => op !== "status" && op !== "data");
    };
    expect(await answer("{")).toMatchObject({ op: "error", code: "bad_request" });
    expect(await answer('{"op":"dance"}')).toMatchObject({
      op: "error",
      code: "bad_request",
      message: expect.stringContaining("subscribe"),
    });
    const streams = ["upbit:BTC-KRW@ticker", "upbit:KRW-BTC@ticker", "upbit:BTC-KRW@depth", "upbit:BTC-KRW@trade@5ms"];
    expect(await answer(JSON.stringify({ op: "subscribe", id: 7, streams }))).toMatchObject({
      op: "subscribed",
      id: 7,
      streams: [{ requested: "upbit:BTC-KRW@ticker", stream: "upbit:BTC-KRW@ticker@100ms" }],
      failed: [
        { requested: "upbit:KRW-BTC@ticker", error: { message: expect.stringContaining("did you mean BTC-KRW?") } },
        { requested: "upbit:BTC-KRW@depth", error: { code: "unknown_stream" } },
        { requested: "upbit:BTC-KRW@trade@5ms" },
      ],
    });
    await until(() => socket.items.length > 3, "items all the same");
    // Reading what is too long has cost the other clients their time already: it is the last message of its socket.
    expect(await answer(JSON.stringify({ op: "ping", pad: "x".repeat(40_000) }))).toMatchObject({
      op: "error",
      code: "bad_request",
      message: expect.stringContaining("32768"),
    });
    await until(() => socket.closeCode !== undefined, "the close");
    expect(socket.closeCode).toBe(4200);
  });

  test("socket: what is refused is accepted, told why, and closed with its code", async () => {
    for (const [path, code, close] of [
      ["/v1/stream/upbit/KRW-BTC", "bad_request", 4200],
      ["/v1/stream/upbit/NOPE-KRW", "unknown_instrument", 4204],
      ["/v1/stream/upbit/BTC-KRW?chanel=trade", "bad_request", 4200],
      ["/v1/stream/upbit/BTC-KRW?channel=depth", "unknown_stream", 4204],
      ["/v1/ingest/upbit/BTC-KRW", "unauthorized", 4201],
    ] as const) {
      const socket = await RawSocket.open(stack().url, path);
      await until(() => socket.closeCode !== undefined, `${path} closed`);
      expect(socket.frames, path).toMatchObject([{ op: "error", code, retryable: false }]);
      expect(socket.closeCode, path).toBe(close);
    }
  });

  test("nothing was logged as an error", async () => {
    expect(await stack().errors()).toEqual([]);
  });

  async function body(path: string): Promise<unknown> {
    const answer = await stack().get(path);
    expect(answer.status, path).toBe(200);
    return answer.body;
  }

  async function expectProblem(path: string, status: number, code: string, mentions: string): Promise<void> {
    const response = await fetch(stack().url + path);
    expect(response.headers.get("Content-Type"), path).toContain("application/problem+json");
    expect(await response.json(), path).toMatchObject({
      status,
      code,
      detail: expect.stringContaining(mentions),
      retryable: false,
    });
    expect(response.status).toBe(status);
  }
}
