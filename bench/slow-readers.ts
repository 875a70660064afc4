/** Clients that never read, beside one that does: what they cost the runtime, and whether the other notices. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { type Edge, startEdge, TradePublisher } from "./edge.ts";
import { until } from "./until.ts";

const PATH = "/v1/stream/upbit/BTC-KRW?channel=trade&rate=raw";
/** An id that makes an item of about a kilobyte: the system's own buffers, some MB a connection, are full within seconds. */
const ID = "t".repeat(800);

export interface SlowReaderFigures {
  /** MB: before, at the peak, and at the end, when everyone has gone. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number };
  readonly descriptors: { readonly before: number; readonly after: number };
  /** Frames that the healthy client got, of those that were sent. */
  readonly received: number;
  readonly sent: number;
  /** From the publisher's send to the healthy client, ms. */
  readonly p50: number;
  readonly p99: number;
  /** Readers that were closed as too slow. */
  readonly closed: number;
}

export async function benchSlowReaders(options: { seconds: number; readers: number; rate: number }): Promise<void> {
  const { memory, descriptors, received, sent, p50, p99, closed } = await runSlowReaders(options);
  console.log(
    `${options.readers} readers that never read, ${options.rate} frames/s for ${options.seconds} s: ${closed} closed; ` +
      `the healthy one got ${received} of ${sent}, p50 ${p50} ms, p99 ${p99} ms; ` +
      `memory ${memory.before} MB before, ${memory.peak} at the peak, ${memory.after} after; ` +
      `descriptors ${descriptors.before} before, ${descriptors.after} after`,
  );
  if (received < sent || closed < options.readers || descriptors.after > descriptors.before) process.exitCode = 1;
}

export async function runSlowReaders(options: {
  readonly seconds: number;
  readonly readers: number;
  readonly rate: number;
  readonly bundle?: string;
}): Promise<SlowReaderFigures> {
  const edge = await startEdge(["BTC"], options.bundle);
  try {
    const publisher = await TradePublisher.open(edge, "BTC");
    publisher.publish(ID);
    const before = await edge.usage();
    const healthy = await HealthyReader.open(edge);
    const slow = await Promise.all(Array.from({ length: options.readers }, () => openSilentReader(edge)));
    let peak = before.memory;
    const watch = setInterval(async () => {
      peak = Math.max(peak, (await edge.usage()).memory);
    }, 500);
    const sent = options.rate * options.seconds;
    await publisher.run(options.rate, options.seconds, ID);
    await Promise.race([until(() => healthy.delays.length >= sent), sleep(20_000)]);
    clearInterval(watch);
    const closes = await Promise.all(slow.map(readToTheEnd));
    healthy.close();
    await Promise.race([until(async () => (await edge.usage()).descriptors <= before.descriptors), sleep(10_000)]);
    const after = await edge.usage();
    publisher.close();
    return {
      memory: { before: before.memory, peak, after: after.memory },
      descriptors: { before: before.descriptors, after: after.descriptors },
      received: healthy.delays.length,
      sent,
      ...healthy.percentiles(),
      closed: closes.filter((code) => code === 4001).length,
    };
  } finally {
    await edge.stop();
  }
}

interface Frame {
  readonly op: string;
  readonly id?: number;
  readonly data?: readonly { readonly snapshot?: true; readonly t: { readonly logged: number } }[];
}

/** Reads everything, and notes how old each item is when it comes. */
class HealthyReader {
  readonly delays: number[] = [];
  readonly #socket: WebSocket;
  readonly #subscribed: Promise<void>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#subscribed = promise;
    socket.on("close", (code, reason) => {
      if (code !== 1005) console.error(`the healthy reader was closed with ${code} ${reason}`);
    });
    socket.on("message", (data) => {
      const frame: Frame = JSON.parse(String(data));
      if (frame.op === "subscribed") resolve();
      if (frame.op === "probe") socket.send(JSON.stringify({ op: "ack", id: frame.id }));
      for (const { snapshot, t } of frame.data ?? []) if (!snapshot) this.delays.push(Date.now() - t.logged);
    });
  }

  static async open(edge: Edge): Promise<HealthyReader> {
    const socket = new WebSocket(edge.url + PATH, { perMessageDeflate: false });
    const reader = new HealthyReader(socket);
    await reader.#subscribed;
    return reader;
  }

  percentiles(): { p50: number; p99: number } {
    const sorted = this.delays.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }

  close(): void {
    this.#socket.close();
  }
}

/** A client whose upgrade was answered, and that then stops reading. */
async function openSilentReader({ port }: Edge): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(upgradeRequest(PATH));
  await once(socket, "data");
  socket.pause();
  return socket;
}

/** The text of an upgrade request. */
export function upgradeRequest(path: string, extensions?: string): string {
  const head = [
    `GET ${path} HTTP/1.1`,
    "Host: edge",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "Sec-WebSocket-Version: 13",
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
  ];
  return `${head.join("\r\n")}\r\n\r\n`;
}

/** The close code at the end of what waited for a socket that has not read, which then goes away; undefined without one. */
async function readToTheEnd(socket: Socket): Promise<number | undefined> {
  let tail = Buffer.alloc(0);
  socket.on("data", (data) => {
    tail = Buffer.concat([tail, data]).subarray(-256);
  });
  socket.resume();
  const quiet = sleep(10_000);
  const closeAt = () => tail.lastIndexOf("slow_consumer");
  await Promise.race([until(() => closeAt() >= 2 && tail[closeAt() - 4] === 0x88), quiet]);
  const at = closeAt();
  socket.destroy();
  return at >= 4 && tail[at - 4] === 0x88 ? tail.readUInt16BE(at - 2) : undefined;
}
