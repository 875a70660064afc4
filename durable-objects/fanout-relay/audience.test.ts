import fc from "fast-check";
import { expect, it } from "vitest";
import { Audiences } from "./audience.ts";
import { CatchingUp } from "./catching-up.ts";
import { subscription } from "./markets.ts";
import { MARKETS } from "./testing/simulated-feeds.ts";

const NAMES = ["upbit:BTC-KRW@trade@raw", "upbit:*-*@trade@1s", "*:BTC-*@ticker@1s"];

it("holds those together who listen to the same, each in one place, whoever comes, changes and goes", () => {
  const move = fc.record({ who: fc.nat(4), names: fc.subarray(NAMES), alone: fc.boolean() });
  const steps = fc.array(
    fc.oneof({ weight: 4, arbitrary: move }, { weight: 1, arbitrary: fc.record({ gone: fc.nat(4) }) }),
  );
  fc.assert(
    fc.property(steps, (steps) => {
      const audiences = new Audiences<{ id: number }>();
      const clients = [0, 1, 2, 3, 4].map((id) => ({ id }));
      const expected = new Map<number, { names: string[]; alone: boolean }>();
      for (const step of steps) {
        const client = clients["gone" in step ? step.gone : step.who];
        if (client === undefined) continue;
        if ("gone" in step) {
          audiences.remove(client);
          expected.delete(client.id);
          continue;
        }
        const names = new Map(step.names.map((name) => [name, subscription(name, MARKETS)]));
        audiences.move(client, names, step.alone ? new CatchingUp() : undefined);
        expected.set(client.id, { names: step.names, alone: step.alone });
      }
      for (const name of NAMES) {
        const listeners = [...audiences.listeners(name)].flatMap(({ members }) => [...members].map(({ id }) => id));
        const wanted = [...expected].filter(([, { names }]) => names.includes(name)).map(([id]) => id);
        expect(listeners.sort()).toEqual(wanted.sort());
        expect(audiences.has(name)).toBe(wanted.length > 0);
      }
      const shared = [...audiences.all].filter(({ catchingUp }) => catchingUp === undefined);
      expect(new Set(shared.map(({ subscriptions }) => [...subscriptions.keys()].sort().join())).size).toBe(
        shared.length,
      );
      expect([...audiences.alone].length).toBe([...expected.values()].filter(({ alone }) => alone).length);
    }),
  );
});

it("knows at which rates it has trades of which partitions, and of which exchanges it is", () => {
  const audiences = new Audiences<object>();
  const client = {};
  audiences.move(client, new Map(NAMES.map((name) => [name, subscription(name, MARKETS)])));
  const audience = audiences.of(client);
  expect([...(audience?.tradeRates ?? [])]).toEqual([
    ["upbit/0", new Set(["raw", "1s"])],
    ["upbit/1", new Set(["1s"])],
  ]);
  expect(audience?.exchanges).toEqual(new Set(["upbit", "binance"]));
});
