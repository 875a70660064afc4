import { expect, it } from "vitest";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { FeedEvent } from "../streams/item.ts";
import { gap, INSTRUMENT, trade } from "../testing/test-events.ts";
import { decodeChunk, encodeStored } from "./stored-event.ts";

const late: LoggedEvent = {
  ...trade(3),
  event: { ...trade(3).event, type: "trade", late: true } as LoggedEvent["event"],
};

it.each([
  ["a trade", trade(2)],
  ["a late trade", late],
  ["a gap", gap(4)],
])("gives %s back as it was, and the same text to items", (_what, logged) => {
  const event = new FeedEvent(logged);
  const text = encodeStored(event);
  const [again] = decodeChunk(INSTRUMENT, `[${text}]`);
  expect({ ...again }).toEqual(logged);
  expect(again?.body).toBe(event.body);
});

it("stores a trade as items carry it", () => {
  const event = new FeedEvent(trade(2));
  expect(encodeStored(event)).toContain(`"trade":${event.body}`);
});

it("reads what the version before stored, beside what this one does", () => {
  const before = [trade(1), gap(2), trade(3)].map((logged) => JSON.stringify(logged));
  const events = decodeChunk(INSTRUMENT, `[${[...before, encodeStored(new FeedEvent(trade(4)))].join(",")}]`);
  expect(events.map((event) => ({ ...event }))).toEqual([trade(1), gap(2), trade(3), trade(4)]);
});
