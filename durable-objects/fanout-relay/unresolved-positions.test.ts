import { beforeEach, describe, expect, it } from "vitest";
import { subscription } from "./markets.ts";
import { Partitions } from "./partitions.ts";
import type { Wanted } from "./resume-plan.ts";
import { MARKETS } from "./testing/simulated-feeds.ts";
import { UnresolvedPositions } from "./unresolved-positions.ts";

const CLIENT = { name: "a" };

describe("positions that were named before a log was known", () => {
  let unresolved: UnresolvedPositions<object>;
  let wanted: Wanted[];
  beforeEach(() => {
    const ports = { dial: () => undefined, hangUp: () => undefined, request: () => undefined };
    const partitions = new Partitions(ports, () => undefined);
    const one = subscription("*:*-*@trade@raw", MARKETS);
    partitions.want(one.sources);
    partitions.get("upbit/0")?.begin("known", { raw: 5, "100ms": 5, "1s": 5 });
    unresolved = new UnresolvedPositions(partitions);
    wanted = [{ subscription: one, requested: [one.name], had: false, from: undefined }];
  });

  it("are kept until the log of a partition that was not known is, whichever it is", () => {
    const left = unresolved.answered(CLIENT, { wanted, from: { known: 3, other: 7 } }, new Map([["known", 3]]));
    expect([...left]).toEqual([["other", 7]]);
    expect(["upbit/0", "upbit/1", "binance/0"].map((one) => unresolved.of(one))).toEqual([[], [CLIENT], [CLIENT]]);
  });

  it("stay so through a further request, and go with the client", () => {
    unresolved.answered(CLIENT, { wanted, from: { other: 7 } }, new Map());
    expect([...unresolved.answered(CLIENT, { wanted: [], from: {} }, new Map())]).toEqual([["other", 7]]);
    unresolved.remove(CLIENT);
    expect(unresolved.of("upbit/1")).toEqual([]);
  });

  it("are none where all of them were resolved", () => {
    unresolved.answered(CLIENT, { wanted, from: { known: 3 } }, new Map([["known", 3]]));
    expect(unresolved.of("upbit/1")).toEqual([]);
  });
});
