import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { until } from "../../local/testing.ts";
import { ReconnectingSocket } from "./reconnecting-socket.ts";
import { Semaphore } from "./semaphore.ts";

describe("a reconnecting socket", () => {
  let server: WebSocketServer;
  let accepted: WebSocket[];
  let reconnecting: ReconnectingSocket | undefined;
  let heard: string[];

  const listen = async (port = 0) => {
    server = new WebSocketServer({ port, host: "127.0.0.1" });
    server.on("connection", (socket) => accepted.push(socket));
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((done) => server.close(done));
  };
  /** Each with a count of its own: one that was closed before may still be on its way out. */
  const start = (
    port: number,
    mayDial = () => Promise.resolve(),
    onMessage = (text: string) => void heard.push(text),
  ) => {
    const count = { dialled: 0, opened: 0, closed: 0 };
    const dial = () => {
      count.dialled += 1;
      return new WebSocket(`ws://127.0.0.1:${port}`);
    };
    const handlers = {
      open: () => {
        count.opened += 1;
      },
      closed: () => {
        count.closed += 1;
      },
      message: onMessage,
      mayDial,
    };
    reconnecting = new ReconnectingSocket(dial, new Semaphore(), handlers, pino({ level: "silent" }));
    return count;
  };

  beforeEach(() => {
    [accepted, heard, reconnecting] = [[], [], undefined];
  });
  afterEach(async () => {
    reconnecting?.close();
    await stop();
  });

  it("dials, hears, and dials again when the socket has gone", async () => {
    const count = start(await listen());
    await until(() => count.opened === 1 && accepted.length === 1);
    accepted[0]?.send("hello");
    await until(() => heard.length === 1);
    accepted[0]?.terminate();
    await until(() => count.opened === 2);
    expect([heard, count.closed]).toEqual([["hello"], 1]);
  });

  it("goes on trying while nobody listens", async () => {
    const port = await listen();
    await stop();
    const count = start(port);
    await until(() => count.dialled >= 2);
    await listen(port);
    await until(() => count.opened === 1);
    expect(count.closed).toBe(0);
  });

  it("does not hammer an edge that accepts in order to refuse", async () => {
    const port = await listen();
    server.on("connection", (socket) => {
      socket.send('{"op":"error","code":"unknown_instrument"}');
      socket.close(4204);
    });
    const begun = Date.now();
    const count = start(port);
    await until(() => count.opened === 3);
    // 1 s, then 2 s, each once more at most by chance.
    expect(Date.now() - begun).toBeGreaterThan(2800);
    expect(heard).toEqual([]);
  });

  it("lets go of a socket that says what it does not understand", async () => {
    const count = start(await listen(), undefined, () => {
      throw new Error("what?");
    });
    await until(() => accepted.length === 1 && count.opened === 1);
    accepted[0]?.send("gibberish");
    await until(() => count.closed === 1);
  });

  it("ends a socket that answers no ping, and dials again", async () => {
    const port = await listen();
    // Nothing is read any more: what is sent to it, pings among that, is never answered.
    server.once("connection", (socket) => socket.pause());
    const handlers = { open: () => undefined, message: () => undefined, closed: () => undefined };
    const dial = () => new WebSocket(`ws://127.0.0.1:${port}`);
    const mayDial = () => Promise.resolve();
    const logger = pino({ level: "silent" });
    reconnecting = new ReconnectingSocket(dial, new Semaphore(), { ...handlers, mayDial }, logger, {
      period: 100,
      patience: 100,
    });
    await until(() => accepted.length === 2);
    const [, second] = accepted;
    let pings = 0;
    second?.on("ping", () => {
      pings += 1;
    });
    await until(() => pings >= 5);
    expect(accepted.length).toBe(2);
  });

  it("waits with dialling until it may", async () => {
    const gate = Promise.withResolvers<void>();
    const count = start(await listen(), () => gate.promise);
    await new Promise((resolve) => setImmediate(resolve));
    expect(count.dialled).toBe(0);
    gate.resolve();
    await until(() => count.opened === 1);
  });

  it("can be closed while it waits, while it connects, and while it is connected", async () => {
    const port = await listen();
    const gate = Promise.withResolvers<void>();
    const waiting = start(port, () => gate.promise);
    reconnecting?.close();
    gate.resolve();
    await until(() => waiting.closed === 1);
    expect(waiting).toEqual({ dialled: 0, opened: 0, closed: 1 });
    const connecting = start(port);
    await until(() => connecting.dialled === 1);
    reconnecting?.close();
    await until(() => connecting.closed === 1);
    expect(connecting.dialled).toBe(1);
    const connected = start(port);
    await until(() => connected.opened === 1);
    reconnecting?.close();
    await until(() => connected.closed === 1);
    expect(connected.dialled).toBe(1);
  });
});
