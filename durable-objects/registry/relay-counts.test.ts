import { describe, expect, it } from "vitest";
import { type EdgeCounts, edgeCounts } from "../../protocol/edge-counts.ts";
import { RelayCounts } from "./relay-counts.ts";

const word = (counts: Partial<EdgeCounts>) => edgeCounts.parse(counts);

describe("what relays have counted", () => {
  it("is told once, to the ingestor of the exchange, and what is of none to the first", () => {
    const relays = new RelayCounts();
    expect(relays.take("upbit", true, 0)).toBeUndefined();
    relays.put({ relay: "apac-0", counts: { upbit: word({ items: 3, streams: 1 }), "": word({ frames: 2 }) } }, 0);
    relays.put({ relay: "weur-0", counts: { upbit: word({ items: 4 }), korbit: word({ items: 9 }) } }, 1);
    expect(relays.take("upbit", false, 2)).toEqual({ upbit: word({ items: 7, streams: 1 }) });
    expect(relays.take("upbit", false, 3)).toEqual({ upbit: word({ streams: 1 }) });
    expect(relays.take("korbit", true, 4)).toEqual({ korbit: word({ items: 9 }), "": word({ frames: 2 }) });
    expect(relays.take("korbit", true, 5)).toEqual({ korbit: word({}), "": word({}) });
  });

  it("they have now is the last word of each, for as long as it speaks", () => {
    const relays = new RelayCounts();
    const clients = (now: number) => relays.take("upbit", true, now)?.[""]?.clients;
    relays.put({ relay: "apac-0", counts: { "": word({ clients: 5 }) } }, 0);
    relays.put({ relay: "weur-0", counts: { "": word({ clients: 1 }) } }, 0);
    expect(clients(1)).toBe(6);
    relays.put({ relay: "apac-0", counts: { "": word({ clients: 2 }) } }, 9000);
    expect(clients(9001)).toBe(3);
    expect(clients(10_001)).toBe(2);
    relays.put({ relay: "apac-0", counts: {} }, 11_000);
    expect(clients(11_001)).toBe(0);
    expect(clients(30_000)).toBeUndefined();
  });
});
