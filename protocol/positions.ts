/**
 * The positions of a connection of many streams: one number per epoch, which resumes every `trade` stream of that partition.
 * As text they are the id of a server-sent event, PROTOCOL.md §6: `k7f-0:20931,k7f-3:1077`.
 */

import { ProtocolError } from "./errors.ts";
import type { Position } from "./position.ts";

/** Up to where everything has been sent; by epoch. */
export type Positions = ReadonlyMap<Position["epoch"], Position["seq"]>;

const EPOCH = /^[\w.-]{1,64}$/;
/** A connection has some partitions of some exchanges; more is no list of ours. */
const MAX_EPOCHS = 1000;

/** In the order of the map. */
export function formatPositions(positions: Positions): string {
  return [...positions].map(([epoch, seq]) => `${epoch}:${seq}`).join(",");
}

/** @throws {ProtocolError} `bad_request`, naming the part that is none */
export function parsePositions(text: string): Positions {
  const parts = text === "" ? [] : text.split(",", MAX_EPOCHS + 1);
  if (parts.length > MAX_EPOCHS) throw new ProtocolError("bad_request", `at most ${MAX_EPOCHS} positions, please`);
  return new Map(parts.map(parsePosition));
}

function parsePosition(part: string): [epoch: string, seq: number] {
  const [epoch = "", seq = "", ...more] = part.split(":");
  const isWhole = /^\d{1,16}$/.test(seq) && Number.isSafeInteger(Number(seq));
  if (EPOCH.test(epoch) && isWhole && more.length === 0) return [epoch, Number(seq)];
  throw new ProtocolError(
    "bad_request",
    `"${part.slice(0, 80)}" is not a position: write epoch:seq, several with commas, e.g. k7f-0:20931,k7f-3:1077`,
  );
}
