import { expect, it } from "vitest";
import { PendingRequests } from "./pending-requests.ts";

it("answers at once what is ready", () => {
  const answers: boolean[] = [];
  new PendingRequests().enter(
    () => true,
    1000,
    (inTime) => answers.push(inTime),
  );
  expect(answers).toEqual([true]);
});

it("answers in the order they came, each once, when it is settled", () => {
  const room = new PendingRequests();
  const answers: string[] = [];
  let ready = false;
  for (const name of ["a", "b"])
    room.enter(
      () => ready,
      60_000,
      () => answers.push(name),
    );
  room.settle();
  expect(answers).toEqual([]);
  ready = true;
  room.settle();
  room.settle();
  expect(answers).toEqual(["a", "b"]);
});

it("answers by itself when patience ends, the soonest first", async () => {
  const room = new PendingRequests();
  const order: string[] = [];
  const wait = (name: string, patience: number) =>
    new Promise<boolean>((resolve) => {
      room.enter(
        () => false,
        patience,
        (inTime) => {
          order.push(name);
          resolve(inTime);
        },
      );
    });
  expect(await Promise.all([wait("late", 40), wait("soon", 10)])).toEqual([false, false]);
  expect(order).toEqual(["soon", "late"]);
});

it("may be entered again from an answer", () => {
  const room = new PendingRequests();
  let ready = false;
  let second = 0;
  room.enter(
    () => ready,
    60_000,
    () =>
      room.enter(
        () => ready,
        60_000,
        () => (second += 1),
      ),
  );
  ready = true;
  room.settle();
  expect(second).toBe(1);
});

it("loses nobody's answer to one that throws, and does not hide it", () => {
  const room = new PendingRequests();
  const answers: string[] = [];
  let ready = false;
  for (const name of ["a", "broken", "b"])
    room.enter(
      () => ready,
      60_000,
      () => {
        if (name === "broken") throw new Error("broken");
        answers.push(name);
      },
    );
  ready = true;
  expect(() => room.settle()).toThrow("broken");
  room.settle();
  expect(answers).toEqual(["a", "b"]);
});
