import { statfs } from "node:fs/promises";

/** With less, bytes, something soon fails for want of it: Kafka alone makes files of 10 MB. */
const LEAST = 32 * 2 ** 20;

/** What to tell people of a disk that has no room left; undefined while it has, or where the system does not say. */
export async function fullDisk(folder: string, least = LEAST): Promise<string | undefined> {
  const free = await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );
  return free < least ? `only ${Math.floor(free / 2 ** 20)} MB are free on the disk of ${folder}` : undefined;
}
