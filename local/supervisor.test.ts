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
    lastWords: async () => "out of luck",
  };
}

test("a part that ends is started again, and that is said", async () => {
  const lines: string[] = [];
  const supervisor = new Supervisor({ onPart: (name, text) => lines.push(`${name} ${text}`) });
  const one = part(() => undefined);
  supervisor.watch(one);
  one.state.running = false;
  await until(() => lines.length === 2);
  expect(lines).toEqual(["part has ended; starting it again (1 of 2): out of luck", "part is back"]);
  supervisor.stop();
});

test("a part that does not come back is given up", async () => {
  const supervisor = new Supervisor({});
  const one = part(() => {
    throw new Error("no");
  });
  one.state.running = false;
  supervisor.watch(one);
  expect(await supervisor.died).toBe("part has ended: out of luck");
});

test("a part that can't ever start is given up at once", async () => {
  const supervisor = new Supervisor({});
  let starts = 0;
  const one = { ...part(() => starts++), running: () => false, hopeless: async () => true };
  supervisor.watch(one);
  expect(await supervisor.died).toBe("part has ended: out of luck");
  expect(starts).toBe(0);
});
