import { env, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { serverFrame } from "../../protocol/frames.ts";
import { PING_TEXT, PONG_TEXT } from "../../protocol/ping.ts";
import { makeItem } from "../streams/item.ts";
import type { StreamKey } from "../streams/stream-key.ts";
import { context, feedEvents, ticker, trade } from "../testing/test-events.ts";
import { type Client, TestSocket } from "../testing/test-socket.ts";
import { ClientSockets } from "./client-sockets.ts";

let objects = 0;

/** Runs inside a fresh object with hibernating sockets. */
function inside(run: (state: DurableObjectState) => Promise<void>): Promise<void> {
  objects += 1;
  return runInDurableObject(env.REGISTRY.getByName(`clients-${objects}`), (_instance, state) => run(state));
}

function accept(clients: ClientSockets): { near: WebSocket; far: Client } {
  const { 0: near, 1: far } = new WebSocketPair();
  clients.accept(near, { session: "s", address: null, format: "json" });
  return { near, far: new TestSocket(far, serverFrame) };
}

/** Items of one event each, which continue 1. */
function items(channel: "ticker" | "trade", ...seqs: number[]) {
  return seqs.map((seq, i) => {
    const events = feedEvents(channel === "ticker" ? ticker(seq) : trade(seq));
    return makeItem(`${channel}@raw`, events, seqs[i - 1] ?? 1, context("e1"));
  });
}

it("gives each client the items of its own streams in one frame", async () => {
  await inside(async (state) => {
    const clients = new ClientSockets(state);
    const [both, one, none] = [accept(clients), accept(clients), accept(clients)];
    clients.subscribe(both.near, "ticker@raw");
    clients.subscribe(both.near, "trade@raw");
    clients.subscribe(one.near, "trade@raw", 7);
    expect([clients.rates(), clients.listening("trade@100ms")]).toEqual([["raw"], false]);
    clients.deliver(
      new Map<StreamKey, ReturnType<typeof items>>([
        ["ticker@raw", items("ticker", 8)],
        ["trade@raw", items("trade", 9, 10)],
      ]),
    );
    const prevs = async ({ far }: { far: Client }) => (await far.next("data")).data.map(({ prev, seq }) => [prev, seq]);
    expect(await prevs(both)).toEqual([
      [1, 8],
      [1, 9],
      [9, 10],
    ]);
    expect(await prevs(one)).toEqual([
      [7, 9],
      [9, 10],
    ]);
    expect(none.far.seen).toEqual([]);
  });
});

it("knows after waking what everyone listens to", async () => {
  await inside(async (state) => {
    const before = new ClientSockets(state);
    const { near } = accept(before);
    before.subscribe(near, "trade@100ms");
    before.subscribe(near, "ticker@raw");
    expect(before.unsubscribe(near, "ticker@raw")).toBe(true);
    const after = new ClientSockets(state);
    expect([after.rates(), after.pool.has(near), after.unsubscribe(near, "ticker@raw")]).toEqual([
      ["100ms"],
      true,
      false,
    ]);
  });
});

it("closes who used to ping and has stopped, not who never did", async () => {
  await inside(async (state) => {
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_TEXT, PONG_TEXT));
    const clients = new ClientSockets(state);
    const [pinging, quiet] = [accept(clients), accept(clients)];
    pinging.far.ws.send(PING_TEXT);
    await pinging.far.next("pong");
    clients.pool.dropSilent(Date.now() + 100_000);
    expect(clients.pool.has(pinging.near)).toBe(true);
    clients.pool.dropSilent(Date.now() + 121_000);
    expect((await pinging.far.closed).code).toBe(4000);
    expect([clients.pool.has(pinging.near), clients.pool.has(quiet.near)]).toEqual([false, true]);
  });
});
