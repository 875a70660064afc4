import fc from "fast-check";
import { expect, it } from "vitest";
import { SubscriptionIndex } from "./subscription-index.ts";

const KEYS = ["trade@raw", "trade@100ms", "ticker@raw"] as const;
const PEOPLE = [{ name: "a" }, { name: "b" }, { name: "c" }];

it("says the same as looking through everybody, whoever came and went", () => {
  const step = fc.tuple(fc.boolean(), fc.constantFrom(...KEYS), fc.constantFrom(...PEOPLE));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const index = new SubscriptionIndex<(typeof KEYS)[number], (typeof PEOPLE)[number]>();
      const plain = new Map(PEOPLE.map((one) => [one, new Set<string>()]));
      for (const [joins, key, who] of steps) {
        if (joins) {
          index.add(key, who);
          plain.get(who)?.add(key);
        } else {
          index.remove(key, who);
          plain.get(who)?.delete(key);
        }
      }
      for (const key of KEYS) {
        const listening = PEOPLE.filter((one) => plain.get(one)?.has(key));
        expect(index.has(key)).toBe(listening.length > 0);
        expect(new Set(index.listeners(key))).toEqual(new Set(listening));
      }
      expect(new Set(index.keys)).toEqual(new Set([...plain.values()].flatMap((keys) => [...keys])));
    }),
  );
});
