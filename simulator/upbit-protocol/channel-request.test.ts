import { expect, test } from "vitest";
import { type ChannelRequest, liveCodes, snapshotsOf } from "./channel-request.ts";

const channel = (type: string, codes: string[], only: Partial<ChannelRequest> = {}): ChannelRequest => ({
  ...{ type, codes, snapshot: true, realtime: true },
  ...only,
});

test("channels of one type add up, but for those of snapshots only", () => {
  const channels = [
    channel("trade", ["A", "B"]),
    channel("trade", ["C"]),
    channel("trade", ["D"], { realtime: false }),
  ];
  expect(liveCodes(channels)).toEqual(new Map([["trade", new Set(["A", "B", "C"])]]));
});

test("snapshots are as many as were asked for, in that order", () => {
  const channels = [
    channel("ticker", ["B", "A"]),
    channel("trade", ["A"], { snapshot: false }),
    channel("trade", ["B"]),
  ];
  expect(snapshotsOf(channels).map(({ type, code }) => `${type} ${code}`)).toEqual(["ticker B", "ticker A", "trade B"]);
});
