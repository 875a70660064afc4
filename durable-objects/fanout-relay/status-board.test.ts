import { expect, it } from "vitest";
import type { FeedStatus } from "../../protocol/frames.ts";
import { StatusBoard } from "./status-board.ts";

const status = (state: FeedStatus["state"], asOf: number | null): FeedStatus => ({
  state,
  source: "live",
  since: 1,
  asOf,
});

it("says of an exchange what is worst, and up to when all of it is complete", () => {
  const board = new StatusBoard();
  expect(board.of("upbit")).toBeUndefined();
  expect(board.put("upbit/0", status("live", 9))).toBe(true);
  expect(board.put("upbit/1", status("live", 7))).toBe(false);
  expect(board.of("upbit")).toEqual(status("live", 7));
  expect(board.put("upbit/1", status("stale", null))).toBe(true);
  expect(board.of("upbit")).toEqual(status("stale", null));
  board.forget("upbit/1");
  expect(board.of("upbit")).toEqual(status("live", 9));
  expect(board.of("binance")).toBeUndefined();
});
