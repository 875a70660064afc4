import { expect, test } from "vitest";
import { Supervisor } from "./supervisor.ts";
import { until } from "./testing.ts";

function part(starts: () => void) {
  const state = { running: true };
  return {
    state,
    name: "part",
    running: () => state.running,
    async start() {
      starts();
      state.running = true;
    },
    exitReason: async () => "out of luck",
  };
}

/** A part that has ended, and starts only the `times`-th time. */
function failing(times: number, message: string) {
  let starts = 0;
  const one = part(() => {
    starts += 1;
    if (starts < times) throw new Error(message);
  });
  one.state.running = false;
  return { one, starts: () => starts };
}

test("a part that ends is started again, and that is said with the reason", async () => {
  const lines: string[] = [];
  const supervisor = new Supervisor({ onPart: (name, text) => lines.push(`${name} ${text}`) });
  const one = part(() => undefined);
  supervisor.watch(one);
  one.state.running = false;
  await until(() => lines.length === 2);
  expect(lines).toEqual(["part has ended; starting it again: out of luck", "part is back"]);
  supervisor.stop();
});

test("a part that fails again and again has time to come back", async () => {
  const lines: string[] = [];
  const supervisor = new Supervisor({ onPart: (_, text) => lines.push(text), timeoutMs: 60_000, pauseMs: 10 });
  const { one, starts } = failing(4, "no space left on device");
  supervisor.watch(one);
  await until(() => lines.includes("is back"));
  const again = "does not start, trying again: no space left on device";
  expect(lines).toEqual(["has ended; starting it again: out of luck", again, again, again, "is back"]);
  expect(starts()).toBe(4);
  supervisor.stop();
});

test("a part that does not come back is given up, with what keeps it from it", async () => {
  const supervisor = new Supervisor({ timeoutMs: 400, pauseMs: 10 });
  supervisor.watch(failing(Number.POSITIVE_INFINITY, "no").one);
  expect(await supervisor.died).toBe("part has ended: out of luck; it does not start: no");
});

test("a part that the others don't need is never given up", async () => {
  const lines: string[] = [];
  const supervisor = new Supervisor({ onPart: (_, text) => lines.push(text), timeoutMs: 0, pauseMs: 10 });
  supervisor.watch({ ...failing(3, "no").one, optional: true });
  await until(() => lines.includes("is back"));
  supervisor.stop();
});

test("a part that can't ever start is given up at once", async () => {
  const supervisor = new Supervisor({});
  let starts = 0;
  const one = { ...part(() => starts++), running: () => false, hopeless: async () => true };
  supervisor.watch(one);
  expect(await supervisor.died).toBe("part has ended: out of luck");
  expect(starts).toBe(0);
});
