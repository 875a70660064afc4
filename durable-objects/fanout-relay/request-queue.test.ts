import { expect, it } from "vitest";
import { RequestQueue } from "./request-queue.ts";

it("does one request of a client after the other, and those of others beside them", () => {
  const queue = new RequestQueue<object>();
  const done: string[] = [];
  const [a, b] = [{}, {}];
  queue.enter(a, () => done.push("a1"));
  queue.enter(a, () => {
    done.push("a2");
    queue.done(a);
  });
  queue.enter(b, () => done.push("b1"));
  expect([done, queue.waiting(a)]).toEqual([["a1", "b1"], 1]);
  queue.done(a);
  expect([done, queue.waiting(a)]).toEqual([["a1", "b1", "a2"], 0]);
  queue.enter(b, () => done.push("b2"));
  queue.remove(b);
  queue.enter(b, () => done.push("b3"));
  expect(done).toEqual(["a1", "b1", "a2", "b3"]);
});
