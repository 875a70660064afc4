/** What PROTOCOL.md promises of connections of many streams, from outside; the same in every mode. */

import { expect, test } from "vitest";
import { multiServerFrame } from "../protocol/multi-stream-frames.ts";
import { RawSocket } from "./support/raw-socket.ts";
import type { TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

/** @param stack of a running stack whose prices flow */
export function manyStreamsContract(stack: () => TestStack): void {
  test("many streams: named in the URL, with what failed, items of each, status and positions", async () => {
    const streams = "upbit:BTC-KRW@trade,upbit:*-KRW@ticker,upbit:KRW-BTC@ticker,upbit:NOPE-KRW@trade";
    const socket = await RawSocket.open(stack().url, `/v1/stream?streams=${streams}`);
    const seen = (stream: string) => socket.items.some((item) => item.stream === stream);
    await until(() => seen("upbit:BTC-KRW@trade@100ms") && seen("upbit:ETH-KRW@ticker@1s"), "items of both");
    expect(socket.frames.slice(0, 2)).toMatchObject([
      { op: "welcome", limits: { streams: 200, wildcards: 20 }, time: expect.any(Number) },
      {
        op: "subscribed",
        streams: [
          { requested: "upbit:BTC-KRW@trade", stream: "upbit:BTC-KRW@trade@100ms", seq: expect.any(Number) },
          { requested: "upbit:*-KRW@ticker", stream: "upbit:*-KRW@ticker@1s", matches: expect.any(Number) },
        ],
        failed: [
          { requested: "upbit:KRW-BTC@ticker", error: { message: expect.stringContaining("did you mean BTC-KRW?") } },
          { requested: "upbit:NOPE-KRW@trade", error: { code: "unknown_instrument" } },
        ],
      },
    ]);
    await until(() => socket.frames.some(({ op }) => op === "status"), "a status");
    await until(
      () => socket.frames.some(({ op, positions }) => op === "data" && positions !== undefined),
      "a position",
    );
    for (const frame of socket.frames) {
      expect(multiServerFrame.safeParse(frame).success, JSON.stringify(frame).slice(0, 500)).toBe(true);
    }
    for (const { source } of socket.items) expect(source).toBe("simulated");
    socket.close();
  });

  test("many streams: by filter, overlapping, each item once; unsubscribed, they end", async () => {
    const socket = await RawSocket.open(
      stack().url,
      "/v1/stream?exchange=upbit&base=BTC,ETH&quote=KRW&channel=trade&rate=raw",
    );
    socket.send('{"op":"subscribe","id":2,"streams":["upbit:BTC-*@trade@raw"]}');
    const answers = () => socket.frames.filter(({ op }) => op === "subscribed");
    await until(() => answers().length === 2, "both answers");
    expect(answers()[0]).toMatchObject({
      streams: [{ stream: "upbit:BTC-KRW@trade@raw" }, { stream: "upbit:ETH-KRW@trade@raw" }],
    });
    const btc = () => socket.items.filter(({ stream, snapshot }) => stream === "upbit:BTC-KRW@trade@raw" && !snapshot);
    await until(() => btc().length > 10, "trades");
    const seqs = btc().map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    socket.send('{"op":"unsubscribe","id":3,"streams":["upbit:BTC-*@trade@raw","upbit:BTC-KRW@trade@raw"]}');
    await until(() => socket.frames.some(({ op }) => op === "unsubscribed"), "unsubscribed");
    const at = socket.frames.findIndex(({ op }) => op === "unsubscribed");
    expect(socket.frames[at]).toMatchObject({ id: 3, streams: ["upbit:BTC-*@trade@raw", "upbit:BTC-KRW@trade@raw"] });
    const before = socket.items.length;
    await until(() => socket.items.length > before + 5, "trades of the other");
    expect(socket.items.slice(before).filter(({ instrument }) => instrument !== "upbit:ETH-KRW")).toEqual([]);
    socket.close();
  });

  test("many streams: what is refused is accepted, told why, and closed with its code", async () => {
    for (const [query, code, close] of [
      ["stream=upbit:BTC-KRW@trade", "bad_request", 4200],
      ["streams=", "bad_request", 4200],
      ["exchange=upbit&channel=depth", "unknown_stream", 4204],
    ] as const) {
      const socket = await RawSocket.open(stack().url, `/v1/stream?${query}`);
      await until(() => socket.closeCode !== undefined, `${query} closed`);
      expect(socket.frames, query).toMatchObject([{ op: "error", code, retryable: false }]);
      expect(socket.closeCode, query).toBe(close);
    }
  });
}
