/** What fan-out is compared with: an object that forwards each trade to each of its subscribers, as its own frame. */

import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";

const SCRIPT = `
import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  subscribers = new Map();
  async fetch(request) {
    const [client, server] = Object.values(new WebSocketPair());
    const streams = new URL(request.url).searchParams.get("streams");
    server.accept();
    if (streams === null) server.addEventListener("message", ({ data }) => this.publish(JSON.parse(data)));
    else for (const one of streams.split(",")) this.subscribers.set(one, [...(this.subscribers.get(one) ?? []), server]);
    return new Response(null, { status: 101, webSocket: client });
  }
  publish(trades) {
    for (const [stream, text] of trades) for (const socket of this.subscribers.get(stream) ?? []) socket.send(text);
  }
}
export default { fetch: (request, env) => env.ROOM.getByName("room").fetch(request) };
`;

export interface Baseline {
  /** `ws://127.0.0.1:port` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Subscribers name their streams in the URL, `?streams=a,b`; who names none publishes `[[stream, text], …]`. */
export async function startBaseline(): Promise<Baseline> {
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      log: new Log(LogLevel.WARN),
      modules: true,
      script: SCRIPT,
      compatibilityDate: "2026-10-15",
      durableObjects: { ROOM: { className: "Room", useSQLite: true } },
    }),
  );
  const { port } = await runtime.ready;
  return {
    url: `ws://127.0.0.1:${port}`,
    stop: () => runtime.dispose(),
  };
}
