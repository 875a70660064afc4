import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { cached } from "./cache.ts";
import { found, missing } from "./found.ts";
import { temporaryFolder } from "./testing.ts";

const folder = temporaryFolder();
const prepare = () =>
  vi.fn(async (into: string) => {
    await mkdir(join(into, "lib"));
    await writeFile(join(into, "lib", "a.jar"), "0123456789");
    return found(undefined);
  });

test("prepared once, then taken from the cache", async () => {
  const work = prepare();
  const first = await cached("kafka", work, folder());
  expect(first).toEqual({ ok: true, value: join(folder(), "kafka") });
  expect(await cached("kafka", work, folder())).toEqual(first);
  expect(work).toHaveBeenCalledOnce();
  expect(await readdir(folder())).toEqual(["kafka"]);
});

test.each([
  ["missing", (path: string) => rm(path)],
  ["truncated", (path: string) => writeFile(path, "0123")],
])("a %s file: prepared again", async (_, damage) => {
  const work = prepare();
  await cached("kafka", work, folder());
  const jar = join(folder(), "kafka", "lib", "a.jar");
  await damage(jar);
  await cached("kafka", work, folder());
  expect(await readFile(jar, "utf8")).toBe("0123456789");
  expect(work).toHaveBeenCalledTimes(2);
});

test("what a killed run left is neither taken nor waited for, nor kept", async () => {
  await mkdir(join(folder(), "kafka.tmp-killed"));
  await mkdir(join(folder(), "kafka", "lib"), { recursive: true });
  await writeFile(join(folder(), "kafka.lock"), String(spawnSync("true").pid));
  const work = prepare();
  expect((await cached("kafka", work, folder())).ok).toBe(true);
  expect(work).toHaveBeenCalledOnce();
  expect(await readdir(folder())).toEqual(["kafka"]);
});

test("of two at once one prepares", async () => {
  const work = prepare();
  const both = await Promise.all([cached("kafka", work, folder()), cached("kafka", work, folder())]);
  expect(both.every(({ ok }) => ok)).toBe(true);
  expect(work).toHaveBeenCalledOnce();
});

test("a failed preparation is reported, and tried again next time", async () => {
  const nothing = missing("Maven was not found", "install Maven");
  expect(await cached("kafka", async () => nothing, folder())).toEqual(nothing);
  expect(await readdir(folder())).toEqual([]);
  expect((await cached("kafka", prepare(), folder())).ok).toBe(true);
});

test("a cache folder that can't be written is named", async () => {
  await writeFile(join(folder(), "file"), "");
  const cache = join(folder(), "file", "cache");
  expect(await cached("kafka", prepare(), cache)).toEqual({
    ok: false,
    reason: expect.stringContaining(`the cache folder ${cache} can't be used`),
    remedy: expect.stringContaining("CACHE_DIR"),
  });
});
