import type { KafkaMessage } from "kafkajs";
import { expect, test } from "vitest";
import { rawRecord } from "./raw-record.ts";

function message(headers: Record<string, string>): KafkaMessage {
  return { key: null, value: Buffer.from("{}"), timestamp: "1011", attributes: 0, offset: "7", headers };
}

const record = { text: "{}", received: 1010, logged: 1011, where: "partition 3, offset 7" };

test("a frame", () => {
  const read = rawRecord(message({ received: "1010", connection: "c", kind: "frame" }), 3);
  expect(read).toEqual({ ...record, connection: "c" });
});

test("a body says about which instrument it is", () => {
  const headers = { received: "1010", connection: "rest", kind: "rest", instrument: "upbit:BTC-KRW", path: "/v1" };
  expect(rawRecord(message(headers), 3)).toEqual({ ...record, connection: "rest", instrument: "upbit:BTC-KRW" });
});

test("what a record does not say, or says wrongly, is not known", () => {
  expect(rawRecord(message({}), 3)).toEqual({ ...record, received: null, connection: null });
  expect(rawRecord(message({ received: "noon" }), 3).received).toBeNull();
});

test("what was left out is told of, whatever it would have been", () => {
  const omission = { kind: "omission", reason: "too large", frames: "1", bytes: "9000000", until: "1010" };
  const headers = { received: "1010", order: "1010003", connection: "c", ...omission };
  expect(rawRecord(message(headers), 3)).toEqual({
    ...record,
    connection: "c",
    order: 1_010_003,
    omission: "left out of the raw log (too large): 1 frames, 9000000 bytes",
  });
});
