/** Reads what a client sends, if it is not too long (`message-limits.ts`): validated here once, with an error that says what a message should look like. */

import type { z } from "zod";
import { ProtocolError } from "../../protocol/errors.ts";
import { CLIENT_OPS, type RequestId } from "../../protocol/frames.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { MultiClientFrame } from "../../protocol/multi-stream-frames.ts";

/** What a kind of socket may be sent: on a feed's, subscribes have no `from`. */
export type ClientFrameSchema = z.ZodType<MultiClientFrame>;

/** @throws {ProtocolError} `bad_request` or `too_many_streams` */
export function readClientMessage(schema: ClientFrameSchema, message: string | ArrayBuffer): MultiClientFrame {
  if (typeof message !== "string") throw new ProtocolError("bad_request", "send text frames, one JSON object each");
  const result = schema.safeParse(parseJson(message));
  if (!result.success) throw new ProtocolError("bad_request", explain(result.error.issues[0]));
  const frame = result.data;
  if ("streams" in frame && frame.streams.length > LIMITS.streams) {
    const count = frame.streams.length;
    throw new ProtocolError("too_many_streams", `${count} streams in one request: at most ${LIMITS.streams}`);
  }
  return frame;
}

/** The `id` of a message that was refused, if it has one, so that the error can be told apart from others. */
export function requestIdOf(message: string | ArrayBuffer): { id?: RequestId } {
  if (typeof message !== "string") return {};
  try {
    const { id } = Object(JSON.parse(message)) as { id?: unknown };
    if (typeof id === "string" && id.length <= 64) return { id };
    return typeof id === "number" && Number.isSafeInteger(id) ? { id } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("bad_request", 'that is not JSON: send one JSON object, e.g. {"op":"ping"}');
  }
}

function explain(issue: { readonly path: PropertyKey[]; readonly message: string } | undefined): string {
  const [field, index] = issue?.path ?? [];
  if (issue === undefined || field === undefined || field === "op")
    return `"op" must be one of ${CLIENT_OPS.join(", ")}`;
  if (field === "from")
    return '"from" must be positions that were told, {"epoch":seq}, with seq a whole number below 2^53';
  if (field !== "streams") return `"${String(field)}": ${issue.message}`;
  if (index === undefined) return '"streams" must be a list of one stream or more';
  return `"streams.${String(index)}" must be a stream's name, or to resume {"stream","epoch","seq"} with seq a whole number below 2^53`;
}
