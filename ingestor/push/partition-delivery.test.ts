/** What a partition's feed makes of whatever may happen between the log, the pusher's link and itself. */

import * as fc from "fast-check";
import { it } from "vitest";
import { RATES } from "../../protocol/stream.ts";
import { PartitionWorld } from "./testing/partition-world.ts";

const step = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constant("write" as const), fc.nat(11)) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("read" as const), fc.nat(40)) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("take" as const), fc.nat(4)) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("tick" as const), fc.nat(1)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("ask" as const), fc.nat(1)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("want" as const), fc.nat(7)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("connect" as const), fc.nat(1)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("cut" as const), fc.nat(1)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("wedge" as const), fc.nat(1)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("lose" as const), fc.nat(1)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("forget" as const), fc.nat(1)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("restart" as const), fc.nat(30)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("epoch" as const), fc.nat(1)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("check" as const), fc.nat(100)) },
);

function act(world: PartitionWorld, [what, n]: [string, number]): void {
  switch (what) {
    case "write":
      // Instruments differ in how often they have tickers: the last one seldom has any.
      for (let i = 0; i <= n; i += 1)
        world.write((["ticker", "trade", "trade", "status"] as const)[(n + i) % 4] ?? "trade", n < 9 ? n % 3 : 3);
      break;
    case "read":
      world.read(n);
      break;
    case "take":
      world.take(n);
      break;
    case "tick":
      world.tick();
      break;
    case "ask":
      world.ask();
      break;
    case "want":
      world.want(RATES.filter((_, i) => n & (1 << i)));
      break;
    case "connect":
      world.connect();
      break;
    case "cut":
      world.cut();
      break;
    case "wedge":
      world.wedge(n === 1);
      break;
    case "lose":
      world.lose();
      break;
    case "forget":
      world.forget();
      break;
    case "restart":
      world.restart(n);
      break;
    case "epoch":
      world.newEpoch();
      break;
    case "check":
      world.check(n % 4, n >> 2);
      break;
  }
}

it("lists the log's newest tickers, and none as newer than it is, over random repeats, holes, reconnects and losses", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const world = new PartitionWorld();
      world.connect();
      for (const one of steps) act(world, one);
      world.expectRight();
    }),
    { numRuns: 1500 },
  );
});
