import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keptToken, takeDataFolder } from "./data-folder.ts";
import { temporaryFolder } from "./testing.ts";

const folder = temporaryFolder();

test("a folder that a living process has is refused, with its number", async () => {
  await writeFile(join(folder(), "lock"), `${process.ppid}\n`);
  await expect(takeDataFolder(folder())).rejects.toThrow(`${folder()} is in use by process ${process.ppid}`);
});

test.each(["", "0\n", `${2 ** 30}\n`, `${process.pid}\n`])(
  "a lock that a killed process left (%j) is taken over",
  async (left) => {
    await writeFile(join(folder(), "lock"), left);
    await takeDataFolder(folder());
    await expect(stat(join(folder(), "lock"))).resolves.toBeDefined();
  },
);

test("a folder that can't be written to is named", async () => {
  await writeFile(join(folder(), "file"), "");
  const inFile = join(folder(), "file", "data");
  await expect(takeDataFolder(inFile)).rejects.toThrow(`DATA_DIR: ${inFile} can't be used`);
});

test("the token stays the same, and is for our eyes only", async () => {
  const token = await keptToken(folder(), "ingest");
  expect(token).toMatch(/^[0-9a-f]{48}$/);
  expect(await keptToken(folder(), "ingest")).toBe(token);
  expect((await stat(join(folder(), "ingest-token"))).mode & 0o077).toBe(0);
});
