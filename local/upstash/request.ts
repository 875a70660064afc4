import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { messageOf } from "../found.ts";
import type { Subscription } from "./subscribe.ts";

/** Upstash's own limit, in bytes. */
const MAX_REQUEST = 10 * 1024 * 1024;

/** A request that can't be served, with the HTTP status that says so. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The subscription a path asks for; undefined when it asks for something else. */
export function subscriptionOf(path: string): Subscription | undefined {
  const [, kind, name] = /^\/(p?subscribe)\/([^?]+)$/.exec(path) ?? [];
  if (!name) return undefined;
  try {
    return { kind: kind === "subscribe" ? "subscribe" : "psubscribe", name: decodeURIComponent(name) };
  } catch {
    throw new RequestError(400, `ERR the channel in ${path} is not URL-encoded`);
  }
}

/** Reads even a body that is too large to its end: a client still sending would not see the answer. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_REQUEST) chunks.push(chunk);
  }
  if (size <= MAX_REQUEST) return Buffer.concat(chunks).toString("utf8");
  throw new RequestError(413, `ERR max request size exceeded. Limit: ${MAX_REQUEST} bytes, Actual: ${size} bytes`);
}

/** The body as what it should be. */
export function parse<T>(schema: z.ZodType<T>, body: string): T {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new RequestError(400, `ERR the body is not JSON: ${messageOf(error)}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new RequestError(
    400,
    `ERR not a command as a JSON array, or for pipelines an array of them: ${z.prettifyError(parsed.error).slice(0, 300)}`,
  );
}
