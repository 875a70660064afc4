/** What a feed is given, and what a batch says of completeness, over whatever may happen between the log, a link and its feed. */

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { FeedWorld } from "./testing/feed-world.ts";

const small = fc.integer({ min: 1, max: 12 });
const steps: fc.Arbitrary<(world: FeedWorld) => void> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.array(fc.boolean(), { maxLength: 12 }), fc.nat(3)).map(
      ([own, pause]) =>
        (world: FeedWorld) =>
          world.log(own, pause),
    ),
  },
  { weight: 4, arbitrary: small.map((count) => (world: FeedWorld) => world.read(count)) },
  { weight: 2, arbitrary: small.map((count) => (world: FeedWorld) => world.readAgain(count)) },
  { weight: 3, arbitrary: small.map((count) => (world: FeedWorld) => world.take(count)) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(100, 600, 6000, 31_000), fc.boolean()).map(
      ([pass, silent]) =>
        (world: FeedWorld) =>
          world.grid(pass, silent),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()).map(
      ([share, dirty]) =>
        (world: FeedWorld) =>
          world.ack(share, dirty),
    ),
  },
  fc.constant((world: FeedWorld) => world.open()),
  fc.constant((world: FeedWorld) => world.resume()),
  fc.constant((world: FeedWorld) => world.close()),
  fc.constant((world: FeedWorld) => world.status()),
  fc.boolean().map((full) => (world: FeedWorld) => world.fill(full)),
  { weight: 2, arbitrary: fc.boolean().map((storage) => (world: FeedWorld) => world.lose(storage)) },
  fc.subarray<Rate>([...RATES]).map((rates) => (world: FeedWorld) => world.listen(rates)),
);

const before = fc.array(fc.boolean(), { maxLength: 12 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

it("never says more than the feed has, gives it everything in order, and keeps to the rates, from whatever it has on", () => {
  let batches = 0;
  fc.assert(
    fc.property(before, share, fc.array(steps, { minLength: 20, maxLength: 120 }), (acked, kept, all) => {
      const world = new FeedWorld(acked, kept);
      for (const step of all) {
        step(world);
        world.checkCommit();
      }
      world.settle();
      batches += world.batches;
    }),
    { numRuns: 1500 },
  );
  expect(batches).toBeGreaterThan(10_000);
});
