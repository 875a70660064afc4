import { beforeEach, describe, expect, it } from "vitest";
import { MemoryPool, type MemoryReservation } from "../../memory-pool.ts";
import { QueueClosed } from "./partition-queue.ts";
import { type RawMessage, RawQueue } from "./raw-queue.ts";

const frame = (text: string, connection = "a", received = 5) => ({ bytes: Buffer.from(text), received, connection });
/** As a broker says it. */
const tooLarge = () => Object.assign(new Error("larger than the max message size"), { type: "MESSAGE_TOO_LARGE" });

describe("the queue of raw frames", () => {
  let reservation: MemoryReservation;
  let sent: [partition: number, RawMessage][];
  beforeEach(() => {
    [reservation, sent] = [new MemoryPool(100_000_000).reserve(), []];
  });
  function queueOf(partitions: number, send = async (_messages: readonly RawMessage[]): Promise<void> => undefined) {
    return new RawQueue({
      partitions,
      reservation,
      send: async (partition, messages) => {
        await send(messages);
        for (const message of messages) sent.push([partition, message]);
      },
    });
  }
  const headers = () => sent.map(([, message]) => message.headers);
  /** In the order in which they were pushed, whatever the partition. */
  const inOrder = () => sent.map(([, message]) => message).sort((a, b) => orderOf(a) - orderOf(b));
  const orderOf = (message: RawMessage) => Number(message.headers["order"]);

  it("spreads the frames of one connection over all partitions, and says in which order they came", async () => {
    const queue = queueOf(4);
    for (let batch = 0; batch < 8; batch += 1) {
      for (let i = 0; i < 10; i += 1) queue.push(frame(`${batch * 10 + i}`));
      await queue.flushed();
    }
    expect([0, 1, 2, 3].map((partition) => sent.filter(([at]) => at === partition).length)).toEqual([20, 20, 20, 20]);
    expect(inOrder().map(({ value }) => value.toString())).toEqual(Array.from({ length: 80 }, (_, i) => `${i}`));
    expect(headers()[0]).toEqual({ format: "2", received: "5", order: "5000", connection: "a", kind: "frame" });
    expect(reservation.bytes).toBe(0);
  });

  it("keeps the order when the clock goes back", async () => {
    const queue = queueOf(2);
    for (const received of [1000, 1000, 400, 1001]) queue.push(frame(`${received}`, "a", received));
    await queue.flushed();
    expect(inOrder().map(({ value }) => value.toString())).toEqual(["1000", "1000", "400", "1001"]);
  });

  it("gathers frames for a moment", async () => {
    const sizes: number[] = [];
    const first = Promise.withResolvers<void>();
    const queue = queueOf(1, async (messages) => {
      sizes.push(messages.length);
      first.resolve();
    });
    queue.push(frame("1"));
    await new Promise((resolve) => setImmediate(resolve));
    queue.push(frame("2"));
    await first.promise;
    expect(sizes).toEqual([2]);
  });

  it("says of an answer of the trade history what was asked, about what", async () => {
    const queue = queueOf(4);
    const rest = { instrument: "upbit:BTC-KRW", path: "/v1/trades/ticks?market=KRW-BTC&count=500" };
    queue.push({ ...frame("[]", "rest"), rest });
    await queue.flushed();
    expect(headers()).toEqual([
      { format: "2", received: "5", order: "5000", connection: "rest", kind: "rest", ...rest },
    ]);
  });

  it("keeps batches small, but for a frame that is large by itself", async () => {
    const sizes: number[] = [];
    const queue = queueOf(1, async (messages) => void sizes.push(messages.length));
    const text = [...Array(5).fill("x".repeat(150_000)), "x".repeat(500_000), "x"];
    for (const one of text) queue.push(frame(one));
    await queue.flushed();
    expect([sizes, reservation.bytes]).toEqual([[3, 3, 1], 0]);
  });

  it("says of a frame that no record holds that it was left out, and sends it not even once", async () => {
    const queue = queueOf(1);
    for (const text of ["1", "x".repeat(9_000_000), "2"]) queue.push(frame(text));
    await queue.flushed();
    expect(sent.map(([, { value }]) => value.toString())).toEqual(["1", "", "2"]);
    const said = { kind: "omission", reason: "too large", until: "5", frames: "1", bytes: "9000000" };
    expect(headers()[1]).toEqual({ format: "2", received: "5", order: "5001", connection: "a", ...said });
    expect(queue.omitted).toBe(1);
  });

  it("does not repeat what the broker finds too large: the rest of the batch goes, and the frame is told of", async () => {
    let attempts = 0;
    const queue = queueOf(1, async (messages) => {
      attempts += 1;
      if (messages.some(({ value }) => value.length > 1000)) throw tooLarge();
    });
    for (const text of ["1", "2", "x".repeat(2000), "4", "5"]) queue.push(frame(text));
    await queue.flushed();
    expect(sent.map(([, { value }]) => value.toString())).toEqual(["1", "2", "", "4", "5"]);
    expect([headers()[2]?.["kind"], queue.omitted, reservation.bytes]).toEqual(["omission", 1, 0]);
    expect(attempts).toBe(6);
  });

  it("leaves out what comes while too much waits, and says how much it was", async () => {
    reservation = new MemoryPool(2000).reserve();
    const gate = Promise.withResolvers<void>();
    const queue = queueOf(2, () => gate.promise);
    for (let received = 1; received <= 10; received += 1) queue.push(frame("x".repeat(600), "a", received));
    expect([queue.omitted, reservation.bytes]).toEqual([8, 2000]);
    gate.resolve();
    await queue.flushed();
    queue.push(frame("later", "a", 11));
    await queue.flushed();
    expect(inOrder().map(({ value }) => value.length)).toEqual([600, 600, 0, 5]);
    const said = inOrder()[2]?.headers;
    const omission = { kind: "omission", reason: "too much waited", received: "3", until: "10", frames: "8" };
    expect(said).toMatchObject({ ...omission, bytes: "4800" });
  });

  it("sends what is pushed at the moment it has sent the last", async () => {
    for (let turns = 0; turns < 8; turns += 1) {
      const queue = queueOf(1, async () => {
        if (sent.length === 0) void pushLater();
      });
      async function pushLater(): Promise<void> {
        for (let turn = 0; turn < turns; turn += 1) await undefined;
        queue.push(frame("2"));
      }
      queue.push(frame("1"));
      await queue.flushed();
      await new Promise((resolve) => setImmediate(resolve));
      await queue.flushed();
      expect(sent.map(([, { value }]) => value.toString())).toEqual(["1", "2"]);
      sent = [];
    }
  });

  it("ends quietly when the writer is closed", async () => {
    const queue = queueOf(1, () => Promise.reject(new QueueClosed("closed")));
    queue.push(frame("1"));
    await queue.flushed();
    queue.close();
  });
});
