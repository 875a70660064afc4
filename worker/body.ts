/** Bodies of requests: JSON whatever their Content-Type says, since `curl -d` calls everything a form. */

import type { z } from "zod";
import { ProtocolError } from "../protocol/errors.ts";

/** @throws {ProtocolError} `bad_request`, naming the first field that is wrong; no body at all is taken for `{}` */
export async function readBody<T extends z.ZodType>(request: Request, schema: T): Promise<z.infer<T>> {
  const text = await request.text();
  const result = schema.safeParse(text === "" ? {} : parseJson(text));
  if (result.success) return result.data;
  throw new ProtocolError("bad_request", explain(result.error.issues[0]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("bad_request", "the body is not JSON: send one JSON object");
  }
}

function explain(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === "unrecognized_keys") {
    return `there is no field ${issue.keys.map((key) => `"${key}"`).join(", ")} here: see /docs`;
  }
  const path = issue?.path.join(".") ?? "";
  return `${path === "" ? "the body" : `"${path}"`}: ${issue?.message}`;
}
