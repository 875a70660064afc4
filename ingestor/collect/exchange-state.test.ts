import { expect, test } from "vitest";
import { stateOf, withRemarks } from "./exchange-state.ts";

const SILENCE = 10_000;
const shard = (detail = "", lastFrame = Date.now()) => ({ live: detail === "", detail, lastFrame });

test("live is only an exchange of which every connection is", () => {
  expect(stateOf([], SILENCE)).toEqual({ state: "down", detail: "nothing is collected" });
  expect(stateOf([shard(), shard()], SILENCE)).toEqual({ state: "live", detail: "" });
  expect(stateOf([shard(), shard("a"), shard("b")], SILENCE)).toEqual({
    state: "stale",
    detail: "2 of 3 connections: a",
  });
  expect(stateOf([shard("a"), shard("b")], SILENCE)).toEqual({ state: "down", detail: "a" });
});

test("one of which nothing comes is stale, but for that of one connection", () => {
  const silent = shard("", Date.now() - 2 * SILENCE);
  expect(stateOf([silent, silent], SILENCE)).toEqual({ state: "stale", detail: "connected, but nothing comes" });
  expect(stateOf([silent, shard()], SILENCE).state).toBe("live");
});

test("says what else is wrong beside it", () => {
  const state = { state: "down", detail: "away" } as const;
  expect(withRemarks(state, undefined, [])).toEqual(state);
  expect(withRemarks(state, "an odd list", ["A", "B"]).detail).toBe(
    "away; an odd list; refused by the exchange, and left out: A, B",
  );
  expect(withRemarks({ state: "live", detail: "" }, undefined, Array(12).fill("A")).detail).toBe(
    `refused by the exchange, and left out: ${Array(10).fill("A").join(", ")}`,
  );
});
