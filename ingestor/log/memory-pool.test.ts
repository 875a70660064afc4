import { expect, test } from "vitest";
import { MemoryPool } from "./memory-pool.ts";

test("all reservations together hold no more than the pool, and none takes from another", () => {
  const pool = new MemoryPool(900);
  const [a, b, c] = [pool.reserve(), pool.reserve(), pool.reserve()];
  a.bytes = 300;
  b.bytes = 299;
  expect([a.isFull, b.isFull, c.isFull]).toEqual([true, false, false]);
  expect(a.limit + b.limit + c.limit).toBe(900);
});

test("what an owner gives back is for the others", () => {
  const pool = new MemoryPool(900);
  const [a, b] = [pool.reserve(), pool.reserve()];
  b.close();
  expect(a.limit).toBe(900);
});

test("one that was full is full until half of it is free", () => {
  const reservation = new MemoryPool(100).reserve();
  const full = [100, 99, 51, 50, 99].map((bytes) => {
    reservation.bytes = bytes;
    return reservation.isFull;
  });
  expect(full).toEqual([true, true, true, false, false]);
});
