/** The Worker and its objects alone, with a publisher in the ingestor's place: for what clients do to them. */

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import WebSocket from "ws";
import { startWorker } from "../local/worker.ts";
import type { TicksFrame } from "../protocol/ingest.ts";
import { encodeIngest } from "../protocol/ingest-version.ts";
import { benchMarket } from "./trade.ts";

const TOKEN = "edge-token";
const AUTHORIZED = { Authorization: `Bearer ${TOKEN}` };

export interface Edge {
  /** `ws://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** What the runtime's process holds: MB of memory, and open file descriptors. */
  usage(): Promise<{ readonly memory: number; readonly descriptors: number }>;
  stop(): Promise<void>;
}

/**
 * @param bases of the `upbit:…-KRW` instruments that there are
 * @param bundle of the Worker; made anew where there is none
 */
export async function startEdge(bases: readonly string[], bundle?: string): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), "tickcast-edge-"));
  const worker = await startWorker({
    persistDir: join(folder, "objects"),
    vars: { INGEST_TOKEN: TOKEN },
    logFile: join(folder, "worker.log"),
    ...(bundle === undefined ? {} : { bundle }),
  });
  const answer = await fetch(`${worker.url}/v1/ingest/upbit/markets`, {
    method: "PUT",
    headers: AUTHORIZED,
    body: JSON.stringify({ markets: bases.map(benchMarket) }),
  });
  if (!answer.ok) throw new Error(`the list of markets was refused: ${await answer.text()}`);
  const runtime = await runtimeOf(worker.pid);
  return {
    url: worker.url.replace(/^http/, "ws"),
    port: worker.port,
    usage: () => usageOf(runtime),
    async stop() {
      await worker.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Publishes trades of one instrument, a batch each, to be sent at once. */
export class TradePublisher {
  readonly #socket: WebSocket;
  readonly #instrument: string;
  readonly #since = Date.now();
  #seq = 1;

  private constructor(socket: WebSocket, instrument: string) {
    this.#socket = socket;
    this.#instrument = instrument;
  }

  static async open(edge: Edge, base: string): Promise<TradePublisher> {
    const address = `${edge.url}/v1/ingest/upbit/${base}-KRW`;
    const socket = new WebSocket(address, { headers: AUTHORIZED, perMessageDeflate: false });
    await new Promise((open, fail) => socket.once("open", open).once("error", fail));
    socket.on("message", () => undefined);
    return new TradePublisher(socket, `upbit:${base}-KRW`);
  }

  /** @param id of the trade, which says how many bytes it takes */
  publish(id: string): void {
    const now = Date.now();
    const prev = this.#seq;
    this.#seq += 1;
    const figures = { price: "95299000", size: "0.0012", side: "buy" as const, time: now, received: now };
    const event = { type: "trade" as const, instrument: this.#instrument, id, ...figures, snapshot: false };
    const status = { state: "live" as const, source: "live" as const, since: this.#since, asOf: now };
    const frame: TicksFrame = {
      op: "ticks",
      epoch: "edge-0",
      prev,
      seq: this.#seq,
      through: this.#seq,
      opens: 1,
      events: [{ seq: this.#seq, logged: now, event }],
      asOf: now,
      status,
      due: ["100ms"],
    };
    this.#socket.send(encodeIngest(frame));
  }

  /** Publishes so many a second for a while; both in whole ones. */
  async run(perSecond: number, seconds: number, id = "t".repeat(20)): Promise<void> {
    const begun = performance.now();
    for (let sent = 0; sent < perSecond * seconds; ) {
      const due = Math.min(perSecond * seconds, ((performance.now() - begun) / 1000) * perSecond);
      for (; sent < due; sent++) this.publish(id);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** The pid of the workerd that the Worker's process has started. */
async function runtimeOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,ppid=,args="]);
  const line = stdout.split("\n").find((one) => new RegExp(`^\\s*\\d+\\s+${pid}\\s.*workerd`).test(one));
  if (line === undefined) throw new Error(`process ${pid} runs no workerd`);
  return Number(line.trim().split(/\s+/, 1)[0]);
}

async function usageOf(pid: number): Promise<{ memory: number; descriptors: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const memory = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
  return { memory, descriptors: (await readdir(`/proc/${pid}/fd`)).length };
}
