import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "./found.ts";
import { StartError } from "./settings.ts";
import { exists } from "./supervisor.ts";

/**
 * Takes a data folder for this process, until it ends: two Kafkas over one log would spoil it.
 *
 * @throws {StartError} naming the process that has it, or why it can't be written to
 */
export async function takeDataFolder(folder: string): Promise<void> {
  const lock = join(folder, "lock");
  try {
    await mkdir(folder, { recursive: true });
    while (!(await create(lock, `${process.pid}\n`))) {
      const holder = Number(await readFile(lock, "utf8").catch(() => ""));
      // Killed processes leave theirs; in a container the next one may even have the same number.
      if (holder > 0 && holder !== process.pid && exists(holder)) {
        throw new StartError(
          `${folder} is in use by process ${holder}: end that one, or set DATA_DIR to another folder (if it is no Tickcast, remove ${lock})`,
        );
      }
      await rm(lock, { force: true });
    }
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR: ${folder} can't be used: ${messageOf(error)}`);
  }
  process.once("exit", () => rmSync(lock, { force: true }));
}

/** A secret of the Worker, the same at every start over a data folder: what its file `<name>-token` holds. */
export async function keptToken(folder: string, name: "ingest" | "admin"): Promise<string> {
  const file = join(folder, `${name}-token`);
  await create(file, randomBytes(24).toString("hex"));
  return readFile(file, "utf8");
}

/** Writes a file that only we can read, unless there is one. */
async function create(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
