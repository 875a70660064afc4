/** Reads what a server sends: validated here once. What a newer server adds must not make an older client stumble. */

import type { DataItem } from "../protocol/frames.ts";
import { parseJson } from "../protocol/json.ts";
import { FRAMES, itemShape, type Place, placeShape, positionsShape, type ServerSays } from "./frame-shapes.ts";
import { has, isObject } from "./shape.ts";

/** An item that could not be read; `at` is where it stands in its stream, if even that is known. */
export interface UnreadableItem {
  readonly at: Place | undefined;
  readonly problem: string;
}

/** What a text turned out to be. */
export type Incoming =
  | ServerSays
  /** A frame of data of which some items could not be read. */
  | {
      readonly op: "partly";
      readonly items: readonly (DataItem | UnreadableItem)[];
      readonly positions: Readonly<Record<string, number>>;
    }
  /** `data` where items may have been in it. */
  | { readonly op: "unreadable"; readonly problem: string; readonly data: boolean }
  /** For newer clients, or nothing to act upon. */
  | { readonly op: "unknown" };

export function readServerFrame(text: string): Incoming {
  const json = parseJson(text);
  if (!isObject(json) || typeof json["op"] !== "string") {
    return { op: "unreadable", problem: `not a frame: ${text.slice(0, 80)}`, data: true };
  }
  const { op } = json;
  if (!isKnown(op)) return { op: "unknown" };
  const shape = FRAMES[op];
  if (has<ServerSays>(shape, json)) return json;
  if (op === "data") return readPartly(json);
  return { op: "unreadable", problem: `${op}: ${shape.problem(json)}`, data: false };
}

/** One item that is strange does not cost the others of its frame. */
function readPartly({ data, positions = {} }: Record<string, unknown>): Incoming {
  if (Array.isArray(data) && has(positionsShape, positions))
    return { op: "partly", items: data.map(readItem), positions };
  return { op: "unreadable", problem: `data: ${FRAMES.data.problem({ op: "data", data, positions })}`, data: true };
}

function readItem(value: unknown): DataItem | UnreadableItem {
  const problem = itemShape.problem(value);
  if (problem === undefined && has(itemShape, value)) return value;
  return { at: has(placeShape, value) ? placeOf(value) : undefined, problem: problem ?? "" };
}

function placeOf({ stream, epoch, prev, seq, snapshot }: Place): Place {
  return { stream, epoch, prev, seq, ...(snapshot === undefined ? {} : { snapshot }) };
}

function isKnown(op: string): op is ServerSays["op"] {
  return Object.hasOwn(FRAMES, op);
}
