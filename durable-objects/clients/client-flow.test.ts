import { expect, it } from "vitest";
import { ClientFlow } from "./client-flow.ts";

it("lets a client be behind by a fixed amount, or by five seconds of what it is sent", () => {
  const flow = new ClientFlow({ bound: 1000 });
  expect(flow.bound(1000)).toBe(1000);
  for (let now = 1000; now < 6000; now += 100) flow.sent(100, now);
  expect(flow.bound(6000)).toBe(5000);
  // Of what it was sent long ago it is not behind any more.
  expect(flow.bound(20_000)).toBe(1000);
});

it("adds what was sent at once, until that has been taken", () => {
  const flow = new ClientFlow({ bound: 1000 });
  flow.sentAtOnce(50_000);
  expect([flow.bound(0), flow.burstTaken]).toEqual([51_000, false]);
  flow.observe(30_000);
  expect(flow.bound(0)).toBe(31_000);
  flow.observe(40_000);
  expect(flow.bound(0)).toBe(31_000);
  flow.observe(500);
  expect([flow.bound(0), flow.burstTaken]).toEqual([1500, true]);
});

it.each<[boolean, string, (flow: ClientFlow) => void]>([
  [false, "whose queue only grows", (flow) => flow.observe(130)],
  [true, "whose queue is empty", (flow) => flow.observe(0)],
  [true, "whose queue grew by less than was sent", (flow) => flow.observe(90)],
  [true, "that has sent something", (flow) => flow.heard()],
])("says %s of the presence of a client %s", (present, _what, see) => {
  const flow = new ClientFlow();
  flow.observe(30);
  flow.sent(100, 0);
  see(flow);
  expect(flow.present).toBe(present);
});

it("probes every 256 KiB, one probe at a time, and counts behind it for those that answer", () => {
  const flow = new ClientFlow();
  expect(flow.nextProbe()).toBeUndefined();
  flow.sent(300_000, 0);
  expect([flow.nextProbe(), flow.nextProbe()]).toEqual([1, undefined]);
  flow.sent(2_000_000, 0);
  expect([flow.unanswered, flow.nextProbe()]).toEqual([0, undefined]);
  flow.answered(7);
  expect(flow.nextProbe()).toBeUndefined();
  flow.answered(1);
  expect(flow.nextProbe()).toBe(2);
  flow.sent(70_000, 0);
  expect(flow.unanswered).toBe(70_000);
  flow.answered(2);
  expect(flow.unanswered).toBe(0);
});

it("sends no probe to a client that can answer none, and is not asked for one", () => {
  const flow = new ClientFlow({ probes: false });
  flow.sent(10_000_000, 0);
  expect([flow.nextProbe(), flow.untilProbe, flow.unanswered]).toEqual([undefined, Number.POSITIVE_INFINITY, 0]);
});
