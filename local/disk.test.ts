import { expect, test } from "vitest";
import { fullDisk } from "./disk.ts";
import { temporaryFolder } from "./testing.ts";

const folder = temporaryFolder();

test("a disk without room is named, with what is left of it", async () => {
  expect(await fullDisk(folder(), Number.MAX_VALUE)).toMatch(/^only \d+ MB are free on the disk of \//);
});

test("one that has room is not, nor what is no folder", async () => {
  expect(await fullDisk(folder(), 0)).toBeUndefined();
  expect(await fullDisk("/no/such/folder", Number.MAX_VALUE)).toBeUndefined();
});
