import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Found, found, messageOf, missing } from "./found.ts";

const MANIFEST = "manifest.json";
const UNFINISHED = ".tmp-";
const LOCK_POLL_MS = 200;
/** File sizes in bytes by path: what tells a whole folder from a damaged one. */
const Manifest = z.object({ sizes: z.record(z.string(), z.number()) });

/** Where downloads are kept: `CACHE_DIR`, by default `~/.cache/tickcast`. */
export function cacheFolder(): string {
  return process.env["CACHE_DIR"] || join(homedir(), ".cache", "tickcast");
}

/**
 * The folder `name` of the cache, made by `prepare` when it is not there or no longer whole.
 * It is prepared under another name and renamed at the end, so that what a killed run left is never taken.
 * Of several processes one prepares, the others wait for it.
 *
 * @param prepare fills the empty folder it is given; what it says is missing is handed on.
 */
export async function cached(
  name: string,
  prepare: (folder: string) => Promise<Found<unknown>>,
  cache = cacheFolder(),
): Promise<Found<string>> {
  const folder = join(cache, name);
  if (await isWhole(folder)) return found(folder);
  try {
    await mkdir(cache, { recursive: true });
    return await locked(`${folder}.lock`, async () => {
      if (await isWhole(folder)) return found(folder); // another process was faster
      return replace(folder, prepare);
    });
  } catch (error) {
    return missing(
      `the cache folder ${cache} can't be used: ${messageOf(error)}`,
      "make it writable, or set CACHE_DIR to a folder that is",
    );
  }
}

async function replace(folder: string, prepare: (folder: string) => Promise<Found<unknown>>): Promise<Found<string>> {
  await removeUnfinished(folder);
  const unfinished = await mkdtemp(`${folder}${UNFINISHED}`);
  try {
    const prepared = await prepare(unfinished);
    if (!prepared.ok) return prepared;
    await writeFile(join(unfinished, MANIFEST), JSON.stringify({ sizes: await sizesIn(unfinished) }));
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
    return found(folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** What killed runs left behind; the lock is ours, so nobody is at work on it. */
async function removeUnfinished(folder: string): Promise<void> {
  const left = (await readdir(dirname(folder))).filter((name) => name.startsWith(basename(folder) + UNFINISHED));
  await Promise.all(left.map((name) => rm(join(dirname(folder), name), { recursive: true, force: true })));
}

/** Whether the folder holds every file of its manifest, each of the right size. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const { sizes } = Manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), "utf8")));
    const present = await Promise.all(
      Object.entries(sizes).map(async ([path, size]) => (await stat(join(folder, path))).size === size),
    );
    return present.every(Boolean);
  } catch {
    return false; // not there, or damaged: both are mended by preparing it again
  }
}

async function sizesIn(folder: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true })) {
    const file = await stat(join(folder, entry));
    if (file.isFile()) sizes[entry] = file.size;
  }
  return sizes;
}

/**
 * Runs `work` while holding a lock file. The holder's pid is in it, for a killed holder leaves it behind.
 * The lock only spares double downloads; that a folder is whole is the rename's doing.
 */
async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (!(await acquire(lock))) {
    if (await isAbandoned(lock)) await rm(lock, { force: true });
    else await sleep(LOCK_POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  try {
    const pid = Number(await readFile(lock, "utf8"));
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
