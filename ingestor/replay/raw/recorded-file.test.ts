import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { RawRecord } from "./raw-record.ts";
import { extentOf, RecordedFile } from "./recorded-file.ts";

const line = (recv: number | null, frame = "{}") => JSON.stringify({ recv, frame });

function file(...lines: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "replay-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "frames.jsonl");
  writeFileSync(path, lines.join("\n"));
  return path;
}

function reading(...lines: string[]) {
  const seen: (number | string | null)[] = [];
  const recorded = new RecordedFile(file(...lines), {
    record: ({ received }) => void seen.push(received),
    bad: (reason, where) => void seen.push(`${where}: ${reason}`),
  });
  return { recorded, seen };
}

test("is read on as far as is asked for", async () => {
  const { recorded, seen } = reading(line(1), line(2), "", line(3), line(null));
  await recorded.readUpTo(999);
  expect(seen).toEqual([]);
  await recorded.readUpTo(2000);
  expect(seen).toEqual([1000, 2000]);
  await recorded.readUpTo(Number.POSITIVE_INFINITY);
  await recorded.readUpTo(Number.POSITIVE_INFINITY);
  expect(seen).toEqual([1000, 2000, 3000, null]);
});

test("a bad line is named, and the next ones read", async () => {
  const { recorded, seen } = reading(line(1), '{"recv":2}', line(3));
  await recorded.readUpTo(3000);
  expect(seen).toEqual([1000, "line 2: frame: the frame's text", 3000]);
});

test("a body of the trade history says of which instrument", async () => {
  const records: RawRecord[] = [];
  const bad: string[] = [];
  const body = { recv: 1, frame: "[]", kind: "rest", path: "/v1" };
  const recorded = new RecordedFile(
    file(...[{ ...body, instrument: "upbit:BTC-KRW" }, body].map((one) => JSON.stringify(one))),
    {
      record: (record) => void records.push(record),
      bad: (reason) => void bad.push(reason),
    },
  );
  await recorded.readUpTo(1000);
  const record = { text: "[]", received: 1000, connection: null, logged: 1000, where: "line 1" };
  expect(records).toEqual([{ ...record, instrument: "upbit:BTC-KRW" }]);
  expect(bad).toEqual(["instrument: needed with kind rest, such as upbit:BTC-KRW"]);
});

test("tells when its frames were received", async () => {
  expect(await extentOf(file(line(null), line(3), line(1), "{", line(2)))).toEqual({ first: 1000, last: 3000 });
  expect(await extentOf(file(line(null)))).toBeUndefined();
  await expect(extentOf("/nowhere/frames.jsonl")).rejects.toThrow("ENOENT");
});
