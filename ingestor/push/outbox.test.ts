import fc from "fast-check";
import { expect, it } from "vitest";
import { Outbox } from "./outbox.ts";

const entry = (seq: number) => ({ seq, text: `${seq}`, logged: seq, read: seq * 10 });

it("sends in order, keeps what is not acked, and goes back when asked", () => {
  const outbox = new Outbox(() => undefined);
  for (const seq of [3, 5, 8]) outbox.push(entry(seq));
  expect([outbox.first, outbox.waiting, outbox.waitingSince]).toEqual([3, 3, 30]);
  expect(outbox.send(2).map(({ seq }) => seq)).toEqual([3, 5]);
  outbox.ack(3);
  expect([outbox.first, outbox.waiting, outbox.unacked]).toEqual([5, 1, 1]);
  outbox.rewind(3);
  expect(outbox.send(9).map(({ seq }) => seq)).toEqual([5, 8]);
  outbox.rewind(8);
  expect([outbox.first, outbox.waiting, outbox.unacked]).toEqual([5, 0, 2]);
  outbox.ack(8);
  expect([outbox.first, outbox.bytes]).toEqual([undefined, 0]);
});

it("accounts for every byte, whatever happens", () => {
  const step = fc.oneof(
    fc.constant("push" as const),
    fc.record({ to: fc.constantFrom("send" as const, "ack" as const, "rewind" as const), n: fc.nat(20) }),
    fc.constantFrom("dropWaiting" as const, "clear" as const),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let [bytes, seq] = [0, 0];
      const outbox = new Outbox((change) => {
        bytes += change;
      });
      for (const one of steps) {
        if (one === "push") {
          seq += 1;
          outbox.push(entry(seq));
        } else if (typeof one === "object") outbox[one.to](one.n);
        else outbox[one]();
        expect(outbox.bytes).toBe(bytes);
        expect(bytes === 0).toBe(outbox.first === undefined);
      }
      outbox.clear();
      expect(bytes).toBe(0);
    }),
  );
});
