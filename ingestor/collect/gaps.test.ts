import { describe, expect, it } from "vitest";
import { type GapEvent, marketEvent } from "../../protocol/events.ts";
import { abandonedGaps, joinHoles, lostGaps } from "./gaps.ts";

const A = "upbit:A-KRW";
const B = "upbit:B-KRW";

describe("gaps", () => {
  it("announces a hole per instrument, open and then lost, from a little before the last trade", () => {
    const events = lostGaps({ cause: "exchange_disconnect", since: new Map([[A, 10_000]]) }, 12_000);
    const gap = {
      type: "gap",
      instrument: A,
      cause: "exchange_disconnect",
      since: 9500,
      until: 12_000,
      received: null,
    };
    expect(events).toEqual([
      { ...gap, state: "open" },
      { ...gap, state: "lost" },
    ]);
  });

  it("makes no gap that ends before it begins, or begins before time did", () => {
    const events = lostGaps(
      {
        cause: "exchange_disconnect",
        since: new Map([
          [A, 9000],
          [B, 0],
        ]),
      },
      8000,
    );
    expect(events.map((event) => marketEvent.parse(event))).toMatchObject([
      { instrument: A, since: 8000, until: 8000 },
      { instrument: A, since: 8000, until: 8000 },
      { instrument: B, since: 0, until: 8000 },
      { instrument: B, since: 0, until: 8000 },
    ]);
  });

  it("joins holes instrument by instrument: one that was quiet for long does not lengthen the others'", () => {
    const first = { cause: "collector_restart", since: new Map([[A, 100]]) } as const;
    const joined = joinHoles(first, {
      cause: "exchange_disconnect",
      since: new Map([
        [A, 200],
        [B, 300],
      ]),
    });
    expect(joined).toEqual({
      cause: "collector_restart",
      since: new Map([
        [A, 100],
        [B, 300],
      ]),
    });
  });

  it("closes what a dead collector left open, and only that", () => {
    const gap = (since: number, state: GapEvent["state"]): GapEvent => {
      return {
        type: "gap",
        instrument: A,
        received: null,
        cause: "exchange_disconnect",
        since,
        until: since + 1,
        state,
      };
    };
    const events = [gap(1, "open"), gap(1, "lost"), gap(2, "open")];
    expect(abandonedGaps([{ events, completeFrom: 0, completeUntil: null }])).toEqual([gap(2, "lost")]);
  });
});
