import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { persistentToken, takeDataFolder } from "./data-folder.ts";
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

test("a process that ends while it takes the folder leaves no lock", async () => {
  const script = join(folder(), "taker.ts");
  await writeFile(
    script,
    `import { existsSync } from "node:fs";
     import { takeDataFolder } from ${JSON.stringify(join(import.meta.dirname, "data-folder.ts"))};
     const folder = ${JSON.stringify(join(folder(), "data"))};
     void takeDataFolder(folder);
     // As a signal's handler does: as soon as there is a lock, whether that is known or not.
     const look = () => existsSync(folder + "/lock") ? process.exit(7) : setImmediate(look);
     look();`,
  );
  const taker = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script], { stdio: "inherit" });
  expect(await once(taker, "exit")).toEqual([7, null]);
  expect(await readdir(join(folder(), "data"))).toEqual([]);
});

test("a lock that is just being written is waited for", async () => {
  const lock = join(folder(), "lock");
  await writeFile(lock, "");
  const taking = expect(takeDataFolder(folder())).rejects.toThrow(`in use by process ${process.ppid}`);
  await writeFile(lock, `${process.ppid}\n`);
  await taking;
});

test("a folder that can't be written to is named", async () => {
  await writeFile(join(folder(), "file"), "");
  const inFile = join(folder(), "file", "data");
  await expect(takeDataFolder(inFile)).rejects.toThrow(`DATA_DIR: ${inFile} can't be used`);
});

test("the token stays the same, and is for our eyes only", async () => {
  const token = await persistentToken(folder(), "ingest");
  expect(token).toMatch(/^[0-9a-f]{48}$/);
  expect(await persistentToken(folder(), "ingest")).toBe(token);
  expect((await stat(join(folder(), "ingest-token"))).mode & 0o077).toBe(0);
  expect(await readdir(folder())).toEqual(["ingest-token"]);
});

test("a token that a full disk left empty is none", async () => {
  await writeFile(join(folder(), "admin-token"), "");
  expect(await persistentToken(folder(), "admin")).toMatch(/^[0-9a-f]{48}$/);
});
