import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { z } from "zod";

/** A command as the REST API takes it: its name and arguments. */
export const Command = z.tuple([z.string().min(1)], z.union([z.string(), z.number(), z.boolean()]));
export type Command = z.infer<typeof Command>;

/** A reply as Redis gave it. Strings stay bytes, status replies (`OK`) are JavaScript strings. */
export type RawReply = null | number | string | Buffer | ErrorReply | RawReply[];

/** What the REST API answers for one command. */
export type Answer = { result: unknown } | { error: string };

/** Redis can't be asked: not connected, lost on the way, or silent. */
export class RedisAwayError extends Error {}

const MULTI: Command = ["MULTI"];
const EXEC: Command = ["EXEC"];
const RECONNECT_MS = 200;
const ANSWER_TIMEOUT_MS = 5_000;
const BYTES = { [RESP_TYPES.BLOB_STRING]: Buffer };

/**
 * Refused, as Upstash does over REST: all requests share one connection, and these would block it, change what it is,
 * or take the server away.
 */
const REFUSED = new Set(
  (
    "auth blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin client debug discard exec hello monitor multi " +
    "psubscribe psync punsubscribe quit replicaof reset select shutdown slaveof ssubscribe subscribe sunsubscribe sync " +
    "unsubscribe unwatch wait waitaof watch"
  ).split(" "),
);

/** The one connection behind the REST endpoint. It reconnects by itself and never queues while it is away. */
export class RedisConnection {
  readonly #client;
  #lastError = "not connected yet";

  constructor(url: string) {
    this.#client = createClient({
      url,
      RESP: 2, // RESP 3 would make maps and doubles of what Upstash answers as arrays and strings
      disableOfflineQueue: true,
      socket: { reconnectStrategy: RECONNECT_MS, connectTimeout: 1_000 },
    });
    this.#client.on("error", (error: Error) => {
      this.#lastError = error.message;
    });
    // Rejects only when closed before it ever connected: an absent Redis is tried again until then.
    this.#client.connect().catch(() => undefined);
  }

  /** The replies to commands, in order; an error reply is a reply. */
  async send(commands: readonly Command[]): Promise<RawReply[]> {
    const replies = commands.map(async (command) => {
      const refusal = refused(command);
      return refusal ? new ErrorReply(refusal) : this.#reply(command);
    });
    return inTime(Promise.all(replies));
  }

  /** What EXEC replied: the replies, or the error that nothing was executed for. */
  async transaction(commands: readonly Command[]): Promise<RawReply> {
    // All are queued before the first await, so no other request's commands come between them.
    const replies = [MULTI, ...commands, EXEC].map((command) => this.#reply(command));
    return (await inTime(Promise.all(replies))).at(-1) ?? null;
  }

  close(): void {
    this.#client.destroy();
  }

  async #reply(command: Command): Promise<RawReply> {
    try {
      return await this.#client.sendCommand<RawReply>(command.map(String), { typeMapping: BYTES });
    } catch (error) {
      if (error instanceof ErrorReply) return error;
      throw new RedisAwayError(`Redis is not reachable: ${this.#lastError}`, { cause: error });
    }
  }
}

/**
 * A Redis that hangs must not make its callers hang.
 *
 * @throws RedisAwayError after 5 s.
 */
export async function inTime<T>(reply: Promise<T>): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const message = `Redis did not answer within ${ANSWER_TIMEOUT_MS / 1_000} s`;
  const timer = setTimeout(() => silence.reject(new RedisAwayError(message)), ANSWER_TIMEOUT_MS);
  try {
    return await Promise.race([reply, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Why a command can't be run over REST; undefined when it can. */
export function refused([name, ...args]: Command): string | undefined {
  const command = name.toLowerCase();
  const blocks = /^xread(group)?$/.test(command) && args.some((arg) => String(arg).toLowerCase() === "block");
  if (!blocks && !REFUSED.has(command)) return undefined;
  return `ERR Command is not available over REST: '${blocks ? `${name} BLOCK` : name}'`;
}

/** The answer for a reply, its strings in base64 if asked for. */
export function answer(reply: RawReply, base64: boolean): Answer {
  if (reply instanceof ErrorReply) return { error: reply.message };
  // The client takes a bare OK as it is, anywhere else it would decode it to rubbish.
  return { result: reply === "OK" ? reply : encode(reply, base64) };
}

function encode(reply: RawReply, base64: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((item) => encode(item, base64));
  if (typeof reply === "string") return base64 ? Buffer.from(reply).toString("base64") : reply;
  if (Buffer.isBuffer(reply)) return reply.toString(base64 ? "base64" : "utf8");
  return reply instanceof ErrorReply ? reply.message : reply;
}
