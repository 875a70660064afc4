import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "./found.ts";
import { StartError } from "./settings.ts";
import { exists } from "./supervisor.ts";

const POLL_MS = 50;
/** Whoever makes a lock writes its number into it within this, ms. */
const WRITTEN_WITHIN_MS = 2_000;

/**
 * Takes a data folder for this process, until it ends: two Kafkas over one log would spoil it.
 *
 * @throws {StartError} naming the process that has it, or why it can't be written to
 */
export async function takeDataFolder(folder: string): Promise<void> {
  const lock = join(folder, "lock");
  try {
    // A folder on a strange file system may never answer, so it is asked in the background. What comes then is done at
    // once, or a signal between making the lock and knowing of it would leave it behind.
    await mkdir(folder, { recursive: true });
    while (!createLock(lock)) {
      const holder = Number(await readFile(lock, "utf8").catch(() => ""));
      // Killed processes leave theirs; in a container the next one may even have the same number.
      if (holder > 0 && holder !== process.pid && exists(holder)) {
        throw new StartError(
          `${folder} is in use by process ${holder}: end that one, or set DATA_DIR to another folder (if it is no Tickcast, remove ${lock})`,
        );
      }
      if (holder === 0 && (await isNew(lock))) await sleep(POLL_MS);
      else await rm(lock, { force: true });
    }
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR: ${folder} can't be used: ${messageOf(error)}`);
  }
}

/** Makes the lock, and sees to its end with ours. @returns false when there is one already */
function createLock(lock: string): boolean {
  const file = openNew(lock);
  if (file === undefined) return false;
  process.once("exit", () => rmSync(lock, { force: true }));
  try {
    writeSync(file, `${process.pid}\n`);
  } finally {
    closeSync(file);
  }
  return true;
}

function openNew(file: string): number | undefined {
  try {
    return openSync(file, "wx", 0o600);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
    throw error;
  }
}

/** Whether a lock without a number may be one whose owner is just about to write it. */
async function isNew(lock: string): Promise<boolean> {
  const made = await stat(lock).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  return Date.now() - made < WRITTEN_WITHIN_MS;
}

/** A secret of the Worker, the same at every start over a data folder: what its file `<name>-token` holds. */
export async function persistentToken(folder: string, name: "ingest" | "admin"): Promise<string> {
  const file = join(folder, `${name}-token`);
  const kept = await readFile(file, "utf8").catch(whenAbsent);
  if (kept !== "") return kept;
  const token = randomBytes(24).toString("hex");
  // Under another name first: half a token, or none, would be kept for good.
  await writeFile(`${file}.new`, token, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return token;
}

function whenAbsent(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
  throw error;
}
