/** What one message of lines carries: an object's other messages wait while it reads one. */

/** Characters. */
const PAGE_SIZE = 256 * 1024;

/** Splits lines into pages, one at least; a line that is longer has a page of its own. */
export function linePages(lines: readonly string[], size = PAGE_SIZE): string[][] {
  const pages: string[][] = [[]];
  let used = 0;
  for (const line of lines) {
    if (used > 0 && used + line.length > size) {
      pages.push([]);
      used = 0;
    }
    used += line.length;
    pages.at(-1)?.push(line);
  }
  return pages;
}
