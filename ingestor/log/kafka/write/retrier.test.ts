import { pino } from "pino";
import { expect, it } from "vitest";
import { QueueClosed } from "./partition-queue.ts";
import { Retrier } from "./retrier.ts";

const logger = pino({ level: "silent" });

it("tries until it works, and knows whether the last attempt did", async () => {
  const retrier = new Retrier(logger);
  const said: boolean[] = [];
  const result = await retrier.untilDone("work", async (attempts) => {
    said.push(retrier.reachable);
    if (attempts === 0) retrier.reachable = true;
    if (attempts < 2) throw new Error("away");
    return attempts;
  });
  expect([result, said, retrier.reachable]).toEqual([2, [false, false, false], true]);
});

it("does not repeat what is too large", async () => {
  const tooLarge = Object.assign(new Error("refused"), { type: "MESSAGE_TOO_LARGE" });
  await expect(new Retrier(logger).untilDone("work", () => Promise.reject(tooLarge))).rejects.toBe(tooLarge);
});

it("ends when it is closed, also while something is being tried", async () => {
  const retrier = new Retrier(logger);
  const begun = Promise.withResolvers<void>();
  const broker = Promise.withResolvers<void>();
  const work = retrier.untilDone("work", () => {
    begun.resolve();
    return broker.promise;
  });
  await begun.promise;
  retrier.close();
  broker.reject(new Error("away"));
  await expect(work).rejects.toThrow(QueueClosed);
  await expect(retrier.untilDone("more", async () => 1)).rejects.toThrow("more");
});
