/** A network between ingestor and Worker that can hold back what goes to one feed, and counts what does. */

import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface SlowProxy {
  readonly url: string;
  /** Nothing more reaches the feeds whose path contains this; what is on its way waits. */
  hold(path: string): void;
  release(): void;
  /** Bytes that have gone to objects whose path contains this, over connections that are open, the requests for them left out. */
  sent(path: string): number;
  stop(): Promise<void>;
}

export async function startSlowProxy(target: string): Promise<SlowProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<{ from: Socket; path: string; sent: number }>();
  let held: string | undefined;
  const apply = () => {
    for (const { from, path } of open) {
      if (held !== undefined && path.includes(held)) from.pause();
      else from.resume();
    }
  };
  const server = createServer((from) => {
    const to = connect(Number(port), hostname);
    const link = { from, path: "", sent: 0 };
    open.add(link);
    from.once("data", (head) => {
      link.path = String(head).split("\r\n", 1)[0] ?? "";
      apply();
    });
    from.on("data", (data) => {
      // The first is the request, heard above.
      if (link.path !== "" && !data.toString("latin1", 0, 4).startsWith("GET ")) link.sent += data.length;
      to.write(data);
    });
    to.on("data", (data) => from.write(data));
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on("close", () => {
        open.delete(link);
        other.destroy();
      });
      one.on("error", () => other.destroy());
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(path) {
      held = path;
      apply();
    },
    release() {
      held = undefined;
      apply();
    },
    sent: (path) => [...open].filter((link) => link.path.includes(path)).reduce((sum, link) => sum + link.sent, 0),
    async stop() {
      for (const { from } of open) from.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
