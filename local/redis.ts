import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { type Found, found, messageOf, missing } from "./found.ts";
import { startProcess } from "./guarded-process.ts";
import { freePort, isPortFree } from "./ports.ts";
import { waitUntilReady } from "./ready.ts";
import { type Service, startService } from "./service.ts";

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

/** A running Redis; started again it is empty, on the same port. */
export interface Redis extends Service {
  /** `redis://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
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
    return found(Object.assign(await startService(launch), { url, port }));
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
