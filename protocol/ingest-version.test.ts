import { describe, expect, it } from "vitest";
import { feedFrame, publisherFrame } from "./ingest.ts";
import { encodeIngest, INGEST_VERSION, upgradeIngest } from "./ingest-version.ts";

const status = { state: "live", source: "live", since: 1, asOf: 5 } as const;
const trade = { seq: 7, logged: 5, event: { type: "trade" } };
/** A batch as version 1 said it. */
const batch = (seq: number, events: readonly object[]) => ({
  ...{ op: "ticks", epoch: "e-0", prev: 0, seq, events, asOf: 5, status, due: ["raw", "100ms"] },
});

describe("a frame without a version", () => {
  it.each([
    [7, [trade], 6],
    [0, [], null],
  ])(
    "is complete up to its last event, %i, and vouches for no more than what follows its first",
    (seq, events, opens) => {
      expect(publisherFrame.parse(upgradeIngest(batch(seq, events)))).toMatchObject({ through: seq, opens, events });
    },
  );

  it("stays as it is where nothing has changed", () => {
    const ack = { op: "ack", epoch: "e-0", seq: 3, dirty: false };
    expect(feedFrame.parse(upgradeIngest(ack))).toEqual(ack);
  });
});

it("reads what it writes", () => {
  const frame = {
    op: "ticks",
    epoch: "e-0",
    prev: 0,
    seq: 0,
    through: 9,
    opens: 1,
    events: [],
    asOf: 5,
    status,
    due: [],
  };
  expect(publisherFrame.parse(upgradeIngest(JSON.parse(encodeIngest(frame))))).toEqual(frame);
});

it("refuses a newer version, and names both", () => {
  const newer = { op: "retired", v: INGEST_VERSION + 1 };
  expect(() => upgradeIngest(newer)).toThrow(
    `version ${INGEST_VERSION + 1}, and this code knows up to ${INGEST_VERSION}`,
  );
});

it.each([null, 5, "x", [], { v: "2" }])("leaves %j to the schema", (value) => {
  expect(publisherFrame.safeParse(upgradeIngest(value)).success).toBe(false);
});
