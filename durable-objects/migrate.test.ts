/** Stored state of the version before: opened by today's code, it goes on without loss, repeat or reorder. */

import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { migrate } from "./migrate.ts";
import type { SymbolFeed } from "./symbol-feed/symbol-feed.ts";
import { storeV1 } from "./testing/stored-v1.ts";
import { ticker, trade } from "./testing/test-events.ts";
import { newFeed, TestListener, TestPusher } from "./testing/test-feed.ts";

describe("a feed that was stored in version 1", () => {
  let stub: DurableObjectStub<SymbolFeed>;
  let instrument: string;

  beforeEach(async () => {
    ({ stub, instrument } = newFeed());
    await runInDurableObject(stub, (_feed, { storage }) => storeV1(storage.sql));
    await evictDurableObject(stub);
  });

  it("goes on from where it stood, for whoever resumes from any position", async () => {
    const pusher = await TestPusher.open(stub, "e2", [trade(7, instrument), trade(8, instrument)]);
    expect(await pusher.socket.next("ready")).toMatchObject({ epoch: "e2", seq: 10 });
    const resumed = await Promise.all(
      [0, 2, 5, 8, 10].flatMap((from) =>
        ["raw", "100ms", "1s"].map(async (rate) => ({
          from,
          listener: await TestListener.resume(stub, `${instrument}@trade@${rate}`, "e2", from),
        })),
      ),
    );
    const newcomer = await TestListener.open(stub, `${instrument}@ticker@1s`);
    // The pusher does not know what was acked, and sends some of it again.
    pusher.sendAfter(0);
    pusher.push([trade(10, instrument), ticker(12, instrument), trade(14, instrument)]);
    for (const { from, listener } of resumed) {
      await listener.until(14, "e2");
      const expected = [2, 7, 8, 10, 14].filter((seq) => seq > from).map((seq) => `e2/${seq}`);
      expect(listener.receiver.trades).toEqual(expected);
      expect(listener.receiver.gaps).toEqual([1, 5].filter((seq) => seq > from).map((seq) => `e2/${seq}`));
    }
    await newcomer.until(12, "e2");
    expect(newcomer.receiver.tickers).toEqual(["e2/9", "e2/12"]);
  });

  it("still knows the epochs that it has left", async () => {
    const listener = await TestListener.resume(stub, `${instrument}@trade`, "e2", 10);
    const pusher = await TestPusher.open(stub, "e1", []);
    pusher.push([trade(2, instrument), trade(6, instrument)]);
    await listener.until(6, "e1");
    expect([listener.receiver.trades, listener.receiver.gaps]).toEqual([["e1/6"], ["e1/4"]]);
  });

  it("is migrated once", async () => {
    const stored = () =>
      runInDurableObject(stub, (_feed, { storage }) => [
        storage.sql.exec("SELECT version FROM version").one(),
        Object.keys(JSON.parse(String(storage.sql.exec("SELECT body FROM feed").one()["body"])) as object),
      ]);
    const [version, keys] = await stored();
    expect([version, keys]).toEqual([{ version: 2 }, expect.arrayContaining(["epoch", "positions"])]);
    expect(keys).not.toContain("lines");
    await evictDurableObject(stub);
    expect(await stored()).toEqual([version, keys]);
  });
});

describe("migrate", () => {
  const run = <T>(name: string, act: (sql: SqlStorage) => T) =>
    runInDurableObject(env.COLLECTOR_LEASE.getByName(name), (_lease, { storage }) => {
      storage.sql.exec("DROP TABLE version");
      return act(storage.sql);
    });

  it("does each step once, in order, also when more come later", async () => {
    await run("steps", (sql) => {
      const done: string[] = [];
      const steps = ["1 to 2", "2 to 3", "3 to 4"].map((name) => () => void done.push(name));
      migrate(sql, "it", steps.slice(0, 2));
      migrate(sql, "it", steps.slice(0, 2));
      expect(done.splice(0)).toEqual(["1 to 2", "2 to 3"]);
      migrate(sql, "it", steps);
      expect(done).toEqual(["3 to 4"]);
    });
  });

  it("refuses what newer code has written, and names both versions", async () => {
    await run("newer", (sql) => {
      migrate(sql, "it", [() => undefined, () => undefined]);
      expect(() => migrate(sql, "it", [])).toThrow("it is of version 3, and this code knows up to 1");
    });
  });
});
