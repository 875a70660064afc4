import { env, runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { Backpressure } from "./backpressure.ts";
import { ABSENT_BOUND, SOCKET_BOUND } from "./client-flow.ts";
import { MeteredSocket } from "./metered-socket.ts";

let objects = 0;

interface Ends {
  readonly near: MeteredSocket;
  readonly far: WebSocket;
}

/** Runs with hibernating sockets: only these know what waits. Nothing is taken from a far end until it is accepted. */
function inside(run: (open: () => Ends) => Promise<void>): Promise<void> {
  objects += 1;
  return runInDurableObject(env.REGISTRY.getByName(`backpressure-${objects}`), (_instance, state) =>
    run(() => {
      const { 0: far, 1: near } = new WebSocketPair();
      state.acceptWebSocket(near);
      near.send("welcome");
      return { near: new MeteredSocket(near, 0, { frames: 0, bytes: 0 }), far };
    }),
  );
}

/** A far end that takes everything, and answers probes if it is asked to. */
function read({ far }: Ends, answer: (id: number) => void = () => undefined): string[] {
  const seen: string[] = [];
  far.accept();
  far.addEventListener("message", ({ data }) => {
    const text = String(data);
    seen.push(text);
    if (text.startsWith('{"op":"probe"')) answer((JSON.parse(text) as { id: number }).id);
  });
  return seen;
}

const KB = "x".repeat(1024);

it("sends nothing beyond 64 KiB to a client that was never there", async () => {
  await inside(async (open) => {
    const backpressure = new Backpressure();
    const { near } = open();
    let sent = 0;
    while (sent < 1000 && backpressure.send(near, KB, 0) === "sent") sent += 1;
    expect(sent).toBe(ABSENT_BOUND / 1024 - 1);
    expect(near.ws.bufferedAmount).toBeLessThanOrEqual(ABSENT_BOUND);
    expect(backpressure.wasPresent(near, 0)).toBe(false);
  });
});

it("finds who was never there within ten seconds, and leaves who is", async () => {
  await inside(async (open) => {
    const backpressure = new Backpressure();
    const [absent, present] = [open(), open()];
    const seen = read(present);
    for (const { near } of [absent, present]) backpressure.send(near, "hello", 0);
    await vi.waitFor(() => expect(seen).toEqual(["welcome", "hello"]));
    const sweep = (now: number) => backpressure.sweep([absent.near, present.near], new Set(), now);
    expect(sweep(9000)).toEqual([]);
    expect(sweep(11_000)).toEqual([{ socket: absent.near, sent: "slow" }]);
    expect(backpressure.wasPresent(present.near, 11_000)).toBe(true);
  });
});

it("holds a mebibyte for a client that has stopped reading, and no more", async () => {
  await inside(async (open) => {
    const backpressure = new Backpressure();
    const { near } = open();
    backpressure.keepsUp(near, 0);
    let sent = 0;
    while (sent < 5000 && backpressure.send(near, KB, sent * 100) === "sent") sent += 1;
    expect(near.ws.bufferedAmount).toBeGreaterThan(SOCKET_BOUND - 4096);
    expect(near.ws.bufferedAmount).toBeLessThanOrEqual(SOCKET_BOUND + 4096);
    expect(backpressure.keepsUp(near, sent * 100)).toBe(true);
  });
});

it("takes what was asked for at once for no slowness, but sends no more of it before that is taken", async () => {
  await inside(async (open) => {
    const backpressure = new Backpressure();
    const ends = open();
    backpressure.keepsUp(ends.near, 0);
    const burst = Array.from({ length: 3000 }, () => KB);
    expect(backpressure.sendAtOnce(ends.near, burst, 0)).toBe("sent");
    expect(backpressure.send(ends.near, KB, 0)).toBe("sent");
    expect(backpressure.sendAtOnce(ends.near, burst, 0)).toBe("slow");
    expect(backpressure.sendAtOnce(ends.near, [KB], 0)).toBe("sent");
    const seen = read(ends);
    await vi.waitFor(() => expect(ends.near.ws.bufferedAmount).toBe(0));
    expect(seen.length).toBeGreaterThanOrEqual(3002);
    expect(backpressure.sendAtOnce(ends.near, burst, 0)).toBe("sent");
  });
});

it("finds a client behind a proxy that takes everything for it, once it has answered a probe", async () => {
  await inside(async (open) => {
    const backpressure = new Backpressure();
    const ends = open();
    backpressure.keepsUp(ends.near, 0);
    let answers = true;
    const seen = read(ends, (id) => answers && backpressure.answered(ends.near, id, 0));
    const probes = () => seen.filter((text) => text.startsWith('{"op":"probe"')).length;
    const taken = () => vi.waitFor(() => expect(ends.near.ws.bufferedAmount).toBe(0));
    for (let i = 1; i <= 3; i++) {
      for (let n = 0; n < 256; n++) backpressure.send(ends.near, KB, 0);
      await vi.waitFor(() => expect(probes()).toBe(i));
    }
    answers = false;
    let sent = 0;
    // Far apart, so that its own traffic allows no more than the fixed amount.
    while (sent < 5000 && backpressure.send(ends.near, KB, 1e6 + sent * 100) === "sent") {
      sent += 1;
      if (sent % 256 === 0) await taken();
    }
    expect(sent).toBeGreaterThan(1000);
    expect(sent).toBeLessThan(1500);
  });
});

it("closes those who hold up most while too much waits in all, and nobody else", async () => {
  await inside(async (open) => {
    const backpressure = new Backpressure(300 * 1024);
    const clients = [open(), open(), open(), open()];
    for (const { near } of clients) backpressure.keepsUp(near, 0);
    const [one, two, three, four] = clients.map(({ near }) => near);
    if (one === undefined || two === undefined || three === undefined || four === undefined)
      throw new TypeError("four");
    const served = new Set([one, two, three, four]);
    const closing = new Set<MeteredSocket>();
    for (let n = 0; n < 130; n++) for (const near of [one, two]) backpressure.send(near, KB, 0);
    for (let n = 0; n < 10; n++) backpressure.send(three, KB, 0);
    const slow = (now: number) => backpressure.sweep(served, closing, now).map(({ socket }) => socket);
    expect([slow(1000), backpressure.crowded]).toEqual([[], false]);
    for (let n = 0; n < 40; n++) backpressure.send(one, KB, 0);
    expect([slow(2000), backpressure.crowded]).toEqual([[one], true]);
    // What one that is closing has not taken is held all the same.
    one.ws.close(4001);
    served.delete(one);
    closing.add(one);
    for (let n = 0; n < 30; n++) backpressure.send(two, KB, 2000);
    expect([slow(3000), backpressure.crowded]).toEqual([[two], true]);
    expect(backpressure.send(three, KB, 3000)).toBe("sent");
    expect(closing.size).toBe(1);
  });
});

it("lets a socket go that has been closed at its other end, and forgets one that holds nothing any more", async () => {
  await inside(async (open) => {
    const backpressure = new Backpressure();
    const [gone, held] = [open(), open()];
    backpressure.keepsUp(gone.near, 0);
    backpressure.send(gone.near, KB, 0);
    read(gone);
    gone.near.ws.close(1000);
    const closing = new Set([held.near]);
    expect(backpressure.sweep([gone.near], closing, 1000)).toEqual([{ socket: gone.near, sent: "gone" }]);
    expect(backpressure.send(gone.near, KB, 1000)).toBe("gone");
    expect(closing.size).toBe(1);
    read(held);
    await vi.waitFor(() => expect(held.near.ws.bufferedAmount).toBe(0));
    backpressure.sweep([], closing, 2000);
    expect(closing.size).toBe(0);
  });
});
