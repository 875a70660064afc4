/** Reads what a server sends: validated here once. What a newer server adds must not make an older client stumble. */

import { z } from "zod";
import { type DataItem, dataItem, type ServerFrame, serverFrame } from "../protocol/frames.ts";
import { parseJson } from "../protocol/json.ts";

/** Enough of an item to know where it stands. */
const envelope = dataItem.pick({ stream: true, epoch: true, prev: true, seq: true, snapshot: true });
type Envelope = z.infer<typeof envelope>;

/** An item that could not be read; `at` is where it stands in its stream, if even that is known. */
export interface UnreadableItem {
  readonly at: Envelope | undefined;
  readonly problem: string;
}

/** What a text turned out to be. */
export type Incoming =
  | ServerFrame
  /** A frame of data of which some items could not be read. */
  | { readonly op: "partly"; readonly items: readonly (DataItem | UnreadableItem)[] }
  | { readonly op: "unreadable"; readonly problem: string }
  /** An op for newer clients. */
  | { readonly op: "unknown" };

const OPS = new Set<string>(serverFrame.options.map(({ shape }) => shape.op.value));
const anyFrame = z.object({ op: z.string(), data: z.array(z.unknown()).optional() });

export function readServerFrame(text: string): Incoming {
  const json = parseJson(text);
  const frame = serverFrame.safeParse(json);
  if (frame.success) return frame.data;
  const { success, data } = anyFrame.safeParse(json);
  if (!success) return { op: "unreadable", problem: `not a frame: ${text.slice(0, 80)}` };
  if (!OPS.has(data.op)) return { op: "unknown" };
  if (data.op === "data" && data.data !== undefined) return { op: "partly", items: data.data.map(readItem) };
  return { op: "unreadable", problem: `${data.op}: ${explain(frame.error)}` };
}

/** One item that is strange does not cost the others of its frame. */
function readItem(value: unknown): DataItem | UnreadableItem {
  const item = dataItem.safeParse(value);
  if (item.success) return item.data;
  return { at: envelope.safeParse(value).data, problem: explain(item.error) };
}

function explain(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}`;
}
