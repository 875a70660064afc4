import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CollectorLease } from "./collector-lease.ts";

const TTL = 10_000;
let leases = 0;
let lease: DurableObjectStub<CollectorLease>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  leases += 1;
  lease = env.COLLECTOR_LEASE.getByName(`exchange${leases}`);
});
afterEach(() => {
  vi.useRealTimers();
});

const hold = (holder: string, term = 0, ttl = TTL) => lease.hold({ holder, term, ttl });
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const granted = (holder: string, term: number) => ({ granted: true, term, holder, freeIn: TTL });

/** What stands in storage. */
function stored() {
  return runInDurableObject(lease, (_instance, { storage }) =>
    storage.sql.exec<{ holder: string | null; term: number }>("SELECT holder, term FROM lease").toArray(),
  );
}

it("goes to the first who comes, and to another only when it has run out, under a higher term", async () => {
  expect(await hold("a")).toEqual(granted("a", 1));
  later(4000);
  expect(await hold("b")).toEqual({ granted: false, term: 1, holder: "a", freeIn: 6000 });
  later(5999);
  expect((await hold("b")).granted).toBe(false);
  later(1);
  expect(await hold("b")).toEqual(granted("b", 2));
  expect(await hold("a", 1)).toEqual({ granted: false, term: 2, holder: "b", freeIn: TTL });
});

it("is renewed by its holder, also after it has run out, if nobody has taken it", async () => {
  await hold("a");
  later(9000);
  expect(await hold("a", 1)).toEqual(granted("a", 1));
  later(9000);
  expect(await hold("b")).toMatchObject({ granted: false, freeIn: 1000 });
  later(20_000);
  expect(await hold("a", 1)).toEqual(granted("a", 1));
});

it("goes to whom the log knows under a higher term, whoever holds it", async () => {
  await hold("a");
  expect(await hold("b", 7)).toEqual(granted("b", 7));
  expect(await hold("a", 1)).toMatchObject({ granted: false, term: 7, holder: "b" });
  expect(await hold("b", 9)).toEqual(granted("b", 9));
  expect(await stored()).toEqual([{ holder: "b", term: 9 }]);
});

it("is given back by its holder alone, and keeps its term", async () => {
  await hold("a");
  await lease.release({ holder: "b" });
  expect(await hold("b")).toMatchObject({ granted: false, holder: "a" });
  await lease.release({ holder: "a" });
  expect(await stored()).toEqual([{ holder: null, term: 1 }]);
  expect(await hold("a", 1)).toEqual(granted("a", 2));
});

it("writes nothing for a renewal", async () => {
  await hold("a");
  // Whatever is written from here on is told by the row that was there before.
  await runInDurableObject(lease, (_instance, { storage }) => storage.sql.exec("DELETE FROM lease").toArray());
  await hold("a", 1);
  expect(await stored()).toEqual([]);
});

it("gives its holder one more ttl when its memory was gone", async () => {
  await hold("a");
  later(60_000);
  await evictDurableObject(lease);
  expect(await hold("b")).toEqual({ granted: false, term: 1, holder: "a", freeIn: TTL });
  later(9000);
  expect(await hold("a", 1)).toEqual(granted("a", 1));
  await evictDurableObject(lease);
  await hold("b");
  later(TTL);
  expect(await hold("b")).toEqual(granted("b", 2));
});

it("is free at once after it was given back, also when its memory was gone", async () => {
  await hold("a");
  await lease.release({ holder: "a" });
  await evictDurableObject(lease);
  expect(await hold("b")).toEqual(granted("b", 2));
});
