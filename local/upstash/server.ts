import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Found, found, messageOf, missing } from "../found.ts";
import { freePort } from "../ports.ts";
import { type Answer, answer, Command, type RawReply, RedisAwayError, RedisConnection, refused } from "./commands.ts";
import { parse, RequestError, readBody, subscriptionOf } from "./request.ts";
import { streamSubscription } from "./subscribe.ts";

const READY_TIMEOUT_MS = 5_000;
const Commands = z.array(Command);
const PATHS = "POST /, /pipeline, /multi-exec, /subscribe/{channel} or /psubscribe/{pattern}";

/** A Redis to stand in front of. */
export interface UpstashRestOptions {
  /** `redis://host:port` */
  redisUrl: string;
  /** What clients must send as `Authorization: Bearer …`. */
  token: string;
  /** On 127.0.0.1; a free one by default. */
  port?: number;
}

/** A running endpoint, to be given to `new Redis({ url, token })` of `@upstash/redis`. */
export interface UpstashRest {
  url: string;
  token: string;
  stop(): Promise<void>;
}

/**
 * Serves the REST API of Upstash Redis from a real Redis. While Redis is away every request gets a prompt 503, and
 * service resumes when it is back.
 */
export async function startUpstashRest({
  redisUrl,
  token,
  ...options
}: UpstashRestOptions): Promise<Found<UpstashRest>> {
  const port = options.port ?? (await freePort());
  const redis = new RedisConnection(redisUrl);
  const server = createServer((request, response) => {
    serve(request, response).catch((error) => refuse(response, error));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== `Bearer ${token}`) {
      request.resume(); // a client that is still sending would not see the answer
      throw new RequestError(401, "WRONGPASS invalid or missing auth token");
    }
    const path = request.url ?? "/";
    const subscription = subscriptionOf(path);
    if (request.method !== "POST") throw new RequestError(405, `ERR ${request.method} is not served; use ${PATHS}`);
    if (subscription) return streamSubscription(redisUrl, subscription, response);
    const body = await readBody(request);
    const base64 = request.headers["upstash-encoding"] === "base64";
    send(response, ...(await execute(path, body, base64)));
  }

  async function execute(path: string, body: string, base64: boolean): Promise<[status: number, answer: unknown]> {
    if (path === "/pipeline") {
      const replies = await redis.send(parse(Commands, body));
      return [200, replies.map((reply) => answer(reply, base64))];
    }
    if (path === "/multi-exec") {
      const replies = await transaction(redis, parse(Commands, body));
      return [200, replies.map((reply) => answer(reply, base64))];
    }
    if (path !== "/") throw new RequestError(404, `ERR ${path} is not served; use ${PATHS}`);
    const [reply = null] = await redis.send([parse(Command, body)]);
    const result: Answer = answer(reply, base64);
    return ["error" in result ? 400 : 200, result];
  }

  const url = `http://127.0.0.1:${port}`;
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    redis.close();
    return missing(`the Upstash REST endpoint did not start: ${messageOf(error)}`, "free the port, or choose another");
  }
  const stop = async () => {
    redis.close();
    server.close();
    server.closeAllConnections(); // subscriptions never end by themselves
    await once(server, "close");
  };
  const unready = await firstPing(url, token);
  if (unready === undefined) return found({ url, token, stop });
  await stop();
  return missing(`the Upstash REST endpoint does not answer: ${unready}`, `check that a Redis runs at ${redisUrl}`);
}

/** Pings over REST until PONG comes; the error holds the last answer. */
async function firstPing(url: string, token: string): Promise<string | undefined> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(url, { method: "POST", headers, body: '["PING"]' });
    const body = await response.text();
    if (response.ok) return undefined;
    if (Date.now() > deadline) return body;
    await sleep(20);
  }
}

/** MULTI, the commands, EXEC. A transaction Redis does not take up is refused as a whole. */
async function transaction(redis: RedisConnection, commands: readonly Command[]): Promise<RawReply[]> {
  const refusal = commands.map(refused).find((reason) => reason !== undefined);
  if (refusal) throw new RequestError(400, refusal);
  const replies = await redis.transaction(commands);
  if (Array.isArray(replies)) return replies;
  throw new RequestError(400, replies instanceof Error ? replies.message : "EXECABORT Transaction discarded");
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else if (error instanceof RequestError) send(response, error.status, { error: error.message });
  else send(response, error instanceof RedisAwayError ? 503 : 500, { error: `ERR ${messageOf(error)}` });
}

function send(response: ServerResponse, status: number, answer: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
}
