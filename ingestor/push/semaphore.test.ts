import { expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import { Semaphore } from "./semaphore.ts";

it("a semaphore runs as many tasks as it has permits, the others in turn, whatever becomes of those before", async () => {
  const semaphore = new Semaphore(2);
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const done = gates.map((gate, i) =>
    semaphore.run(() => {
      begun.push(i);
      return gate.promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  gates[1]?.reject(new Error("no"));
  await expect(done[1]).rejects.toThrow("no");
  await until(() => begun.length === 3);
  for (const gate of gates) gate.resolve();
  await Promise.allSettled(done);
  expect(begun).toEqual([0, 1, 2, 3]);
});
