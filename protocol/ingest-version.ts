/** Versions of the frames between pusher and objects: each says its own as `v`; those of version 1 said none. */

import { z } from "zod";
import { stepsFrom } from "./versioned.ts";

type Frame = Readonly<Record<string, unknown>>;

/** Version 2: a batch says `through` and `opens`, and an empty one may tell of another epoch. */
const STEPS: readonly ((frame: Frame) => Frame)[] = [
  (frame) => (frame["op"] === "ticks" ? { ...frame, through: frame["seq"], opens: opensOf(frame) } : frame),
];

export const INGEST_VERSION = STEPS.length + 1;

const versioned = z.looseObject({ v: z.int().positive().default(1) });
// Made once: a schema costs ten times what it takes to check a batch by it.
const positioned = z.array(z.looseObject({ seq: z.int().positive() }));

/** A frame's JSON, with its version. */
export function encodeIngest(frame: object): string {
  return JSON.stringify({ ...frame, v: INGEST_VERSION });
}

/**
 * What came over the wire, as a frame of the newest version, which its schema has still to check.
 *
 * @throws {NewerVersionError}
 */
export function upgradeIngest(value: unknown): unknown {
  const read = versioned.safeParse(value);
  if (!read.success) return value;
  const { v, ...frame } = read.data;
  if (v === INGEST_VERSION) return frame;
  return stepsFrom(v, STEPS, "this frame").reduce<Frame>((older, step) => step(older), frame);
}

/** A batch of version 1 vouches for what follows the position before its first event; an empty one for nothing. */
function opensOf({ events }: Frame): number | null {
  const first = positioned.safeParse(events).data?.[0];
  return first === undefined ? null : first.seq - 1;
}
