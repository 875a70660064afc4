import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { type Found, found, messageOf, missing } from "./found.ts";
import { freePort, isPortFree } from "./ports.ts";
import { startProcess } from "./process.ts";
import { waitUntilReady } from "./ready.ts";

const ANSWER_MS = 10_000;

/** How to start a Redis. */
export interface RedisOptions {
  /** The path of `redis-server`. */
  binary: string;
  /** Its working folder; it keeps nothing there: what Redis holds can be built again from the log. */
  dataDir: string;
  /** Where `redis.log` goes; `dataDir/logs` by default. */
  logDir?: string;
  /** A free one by default. */
  port?: number;
  /** Called now and then with the progress of a slow start. */
  onProgress?: (message: string) => void;
}

/** A running Redis. */
export interface Redis {
  /** `redis://127.0.0.1:port` */
  url: string;
  port: number;
  /** Of the redis-server process; another one after `start()`. */
  readonly pid: number;
  readonly running: boolean;
  /** How its process ended and what may have been the reason, for people; resolves when it has. */
  exitReason(): Promise<string>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it in good order; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts a Redis on 127.0.0.1 that keeps nothing on disk; resolves when it answers PING. */
export async function startRedis({
  binary,
  dataDir,
  logDir = join(dataDir, "logs"),
  ...options
}: RedisOptions): Promise<Found<Redis>> {
  const port = options.port ?? (await freePort());
  if (!(await isPortFree(port))) return missing(`port ${port} for Redis is taken`, "free it, or choose another port");
  const logFile = join(logDir, "redis.log");
  const url = `redis://127.0.0.1:${port}`;
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dataDir];
  const launch = async () => {
    await mkdir(dataDir, { recursive: true });
    const server = await startProcess({ command: binary, args, logFile });
    try {
      await waitUntilReady(server, () => ping(url), { onProgress: options.onProgress });
      return server;
    } catch (error) {
      await server.kill();
      throw error;
    }
  };
  try {
    let server = await launch();
    return found({
      url,
      port,
      get pid() {
        return server.pid;
      },
      get running() {
        return server.running;
      },
      exitReason: () => server.exitReason(),
      async kill() {
        await server.kill();
      },
      async start() {
        if (!server.running) server = await launch();
      },
      async stop() {
        await server.stop();
      },
    });
  } catch (error) {
    return missing(`Redis did not start: ${messageOf(error)}`, `see ${logFile}`);
  }
}

async function ping(url: string): Promise<void> {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false, connectTimeout: ANSWER_MS } });
  client.on("error", () => undefined); // the rejected connect() tells the same
  try {
    await client.connect();
    await client.ping();
  } finally {
    if (client.isOpen) client.destroy();
  }
}
