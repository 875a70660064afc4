/** Server-sent events as text, PROTOCOL.md §6: `data` events of one item each, `control` events for everything else. */

/** A comment that keeps a connection from being taken for dead. */
export const KEEP_ALIVE = ":\n\n";

/**
 * One `data` event for each item. Without items an id alone: no event, but where the reader comes back to has moved.
 *
 * @param items as JSON, which has no line breaks
 * @param id of the last one; none where it is empty, since an empty one would take back those before it
 */
export function dataEvents(items: readonly string[], id = ""): string {
  if (items.length === 0) return id === "" ? "" : `${idLine(id)}\n`;
  return `event: data\ndata: ${items.join("\n\nevent: data\ndata: ")}\n${idLine(id)}\n`;
}

/** @param json a frame with an `op` */
export function controlEvent(json: string, id = ""): string {
  return `event: control\ndata: ${json}\n${idLine(id)}\n`;
}

/** How long a reader that has lost the connection waits before it comes back. @param pause ms */
export function retryAfter(pause: number): string {
  return `retry: ${Math.round(pause)}\n\n`;
}

function idLine(id: string): string {
  return id === "" ? "" : `id: ${id}\n`;
}
