import type { ServerResponse } from "node:http";
import { createClient } from "@redis/client";
import { messageOf } from "../found.ts";
import { inTime, RedisAwayError } from "./commands.ts";

/** A reader this far behind (bytes) is cut off: what it has not read would pile up in memory. */
const MAX_BACKLOG = 10 * 1024 * 1024;

/** One channel, or all that match a pattern. */
export type Subscription = { kind: "subscribe" | "psubscribe"; name: string };

/**
 * Streams a subscription as server-sent events the way Upstash does: `subscribe,<channel>,1` when it stands, then
 * `message,<channel>,<text>`; for patterns `psubscribe,<pattern>,1` and `pmessage,<pattern>,<channel>,<text>`.
 * It has a connection of its own, as a connection that subscribes can do nothing else. When that is lost the stream
 * ends, rather than go on with a hole in it.
 *
 * @throws RedisAwayError; nothing has been answered then.
 */
export async function streamSubscription(
  redisUrl: string,
  { kind, name }: Subscription,
  response: ServerResponse,
): Promise<void> {
  const client = createClient({ url: redisUrl, RESP: 2, socket: { reconnectStrategy: false, connectTimeout: 1_000 } });
  // Before the head is out, our caller answers with the error that is thrown.
  client.on("error", () => response.headersSent && response.end());
  response.once("close", () => client.isOpen && client.destroy());
  try {
    await inTime(client.connect());
    // A message may come before the subscription is confirmed here. Callbacks of one promise run in their order,
    // so what is forwarded through `standing` follows the head.
    const forward = (event: string) => void standing.then(() => write(response, event));
    const standing =
      kind === "subscribe"
        ? client.subscribe(name, (text, channel) => forward(`message,${channel},${text}`))
        : client.pSubscribe(name, (text, channel) => forward(`pmessage,${name},${channel},${text}`));
    const begun = standing.then(() => {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
      write(response, `${kind},${name},1`);
    });
    await inTime(begun);
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw new RedisAwayError(`Redis is not reachable: ${messageOf(error)}`, { cause: error });
  }
  if (response.destroyed && client.isOpen) client.destroy();
}

function write(response: ServerResponse, event: string): void {
  // An event can't hold a line break; a further `data:` line stands for one.
  response.write(`data: ${event.replace(/\r\n|\r|\n/g, "\ndata: ")}\n\n`);
  if (response.writableLength > MAX_BACKLOG) response.destroy();
}
