import { expect, it } from "vitest";
import type { Standing } from "../durable-objects/clients/socket-pool.ts";
import { guardSocket } from "./socket-guard.ts";

async function guarded(...answers: (Standing | Error)[]): Promise<{ asked: number; aborted: boolean }> {
  const connection = new AbortController();
  let asked = 0;
  const standing = async () => {
    const answer = answers[asked++] ?? "gone";
    if (answer instanceof Error) throw answer;
    return answer;
  };
  await guardSocket(standing, connection, [1, 1, 1]);
  return { asked, aborted: connection.signal.aborted };
}

it("leaves a client that is there, or gone, alone", async () => {
  expect(await guarded("open")).toEqual({ asked: 1, aborted: false });
  expect(await guarded("absent", "gone")).toEqual({ asked: 2, aborted: false });
  expect(await guarded("absent", "absent", "open")).toEqual({ asked: 3, aborted: false });
});

it("ends the connection of a client that was never there, or does not let itself be closed", async () => {
  expect(await guarded("absent", "absent", "absent")).toEqual({ asked: 3, aborted: true });
  expect(await guarded("absent", "closing", "closing")).toEqual({ asked: 3, aborted: true });
});

it("asks again where the object could not answer, and aborts nothing of which it has heard nothing", async () => {
  const lost = new Error("the object was reset");
  expect(await guarded(lost, "open")).toEqual({ asked: 2, aborted: false });
  expect(await guarded("absent", lost, lost)).toEqual({ asked: 3, aborted: false });
  expect(await guarded(lost, "absent", "absent")).toEqual({ asked: 3, aborted: true });
});
