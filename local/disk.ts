import { statfs } from "node:fs/promises";

/** With less, bytes, something soon fails for want of it: Kafka alone makes files of 10 MB. */
const MIN_FREE_BYTES = 32 * 2 ** 20;

/** A warning about a full disk; undefined while it has room, or where the system does not say. */
export async function fullDisk(folder: string, minFree = MIN_FREE_BYTES): Promise<string | undefined> {
  const free = await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );
  return free < minFree ? `only ${Math.floor(free / 2 ** 20)} MB are free on the disk of ${folder}` : undefined;
}
