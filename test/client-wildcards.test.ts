/** The client over the real parts: whatever is cut or killed, a wildcard has every trade of the log, once and in order. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { type StreamHandle, TickcastClient } from "../client/client.ts";
import type { Subscribed } from "../client/handlers.ts";
import { dialNode } from "../client/node-socket.ts";
import type { PartitionLog } from "../ingestor/verify/read-log.ts";
import { requireKafka, requireRedis } from "../local/testing.ts";
import type { DataItem } from "../protocol/frames.ts";
import { parseInstrument } from "../protocol/instrument.ts";
import { covers, isPattern, parsePattern } from "../protocol/pattern.ts";
import { mulberry32 } from "../simulator/random.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";
import { until } from "./support/until.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const STEPS = Number(process.env["STEPS"] ?? 30);
const NAMES = [
  ["upbit:*-*@trade@100ms"],
  ["*:BTC-*@trade@raw", "binance:*-USDT@trade@1s"],
  ["upbit:*-KRW@trade@1s", "upbit:BTC-KRW@trade@1s"],
];

const kafka = await requireKafka();
await requireRedis();

/** What one subscription was given of trades and gaps. */
class Received {
  /** By epoch and instrument. */
  readonly seqs = new Map<string, number[]>();
  readonly answers: Subscribed[] = [];
  handle: StreamHandle | undefined;
  /** Where it began; a named stream begins with its snapshot. */
  starts: Readonly<Record<string, number>> | undefined;

  put({ epoch, instrument, seq, snapshot, gap, trades = [] }: DataItem): void {
    const key = `${epoch}/${instrument}`;
    const had = this.seqs.get(key) ?? [];
    if (snapshot) this.starts = { ...this.starts, [epoch]: seq };
    else this.seqs.set(key, [...had, ...(gap === undefined ? trades.map((one) => one.seq) : [seq])]);
  }

  get count(): number {
    return [...this.seqs.values()].reduce((sum, { length }) => sum + length, 0);
  }
}

/** A client whose connections can be cut. */
class CutClient {
  readonly received = new Map<string, Received>();
  readonly errors: string[] = [];
  readonly #sockets: WebSocket[] = [];
  readonly client: TickcastClient;

  constructor(url: string, names: readonly string[]) {
    const dial = (address: string) => {
      const socket = dialNode(address);
      if (socket instanceof WebSocket) this.#sockets.push(socket);
      return socket;
    };
    this.client = new TickcastClient({ url, dial, maxPause: 500, onError: ({ code }) => this.errors.push(code) });
    for (const name of names) this.#subscribe(name);
  }

  cut(): void {
    this.#sockets.at(-1)?.terminate();
  }

  get count(): number {
    return [...this.received.values()].reduce((sum, { count }) => sum + count, 0);
  }

  #subscribe(name: string): void {
    const received = new Received();
    this.received.set(name, received);
    const handle = this.client.subscribe(name, {
      onItem: (item) => received.put(item),
      onSubscribed: (subscribed) => {
        received.answers.push(subscribed);
        received.starts ??= handle.positions;
      },
    });
    received.handle = handle;
  }
}

kafka.describe("a client of wildcards", () => {
  let stack: TestStack;
  let clients: CutClient[] = [];

  beforeAll(async () => {
    stack = await startTestStack({ exchanges: ["upbit", "binance"], simulator: { rate: 150 } });
    await pricesFlow(stack);
    await pricesFlow(stack, "BTC-USDT", "binance");
  });
  afterEach(() => {
    for (const { client } of clients) client.close();
    clients = [];
  });
  afterAll(() => stack?.stop());

  async function moreTrades(count: number): Promise<void> {
    const before = clients.map((client) => client.count);
    await until(() => clients.every((client, i) => client.count >= (before[i] ?? 0) + count), `${count} trades more`);
  }

  /** Up to the positions of each subscription, it has what the log has. */
  async function expectComplete(): Promise<void> {
    const all = clients.flatMap(({ received }) => [...received]);
    const ends = all.map(([, { handle }]) => handle?.positions ?? {});
    for (const { client } of clients) client.close();
    const logs = [...(await stack.log("upbit")), ...(await stack.log("binance"))];
    for (const [i, [name, received]] of all.entries()) {
      expect(differences(name, received, ends[i] ?? {}, logs), `SEED=${SEED}`).toEqual([]);
      expect(
        received.answers.filter(({ recovered }) => recovered === false),
        `SEED=${SEED}`,
      ).toEqual([]);
      expect(received.count, name).toBeGreaterThan(20);
    }
    expect(clients.flatMap(({ errors }) => errors.filter((code) => code !== "restarting"))).toEqual([]);
  }

  test("cut at random, with the Worker killed between", async () => {
    const random = mulberry32(SEED);
    clients = NAMES.map((names) => new CutClient(stack.url, names));
    await moreTrades(5);
    for (let step = 0; step < STEPS; step += 1) {
      if (step === Math.floor(STEPS / 2)) {
        await stack.worker?.kill();
        await stack.worker?.start();
      }
      clients[Math.floor(random() * clients.length)]?.cut();
      await moreTrades(Math.floor(random() * 40));
    }
    await moreTrades(20);
    await expectComplete();
  });

  test("a loop that is too slow for trades gets all of them, a pause at a time", async () => {
    let pauses = 0;
    const dial = (address: string) => {
      const socket = dialNode(address);
      const send = socket.send.bind(socket);
      socket.send = (text) => {
        if (text.startsWith('{"op":"unsubscribe"')) pauses += 1;
        send(text);
      };
      return socket;
    };
    const client = new TickcastClient({ url: stack.url, dial });
    const other = new TickcastClient({ url: stack.url, dial: dialNode });
    let come = 0;
    const onItem = ({ trades = [] }: DataItem) => {
      come += trades.length;
    };
    other.subscribe("upbit:*-*@trade@raw", { onItem });
    const more = async (count: number) => {
      const owed = come + count;
      await until(() => come >= owed, `${count} trades more`);
    };
    const loop = new Received();
    try {
      for await (const { item, missed } of client.iterate("upbit:*-*@trade@raw", { buffer: 20 })) {
        expect(missed).toBeUndefined();
        loop.put(item);
        // It is busy elsewhere until more has come than its buffer holds, as one that is not busy sees.
        if (loop.count % 40 === 0) await more(60);
        if (loop.count >= 400) break;
      }
    } finally {
      client.close();
      other.close();
    }
    const logs = await stack.log("upbit");
    const first = Object.fromEntries([...loop.seqs].map(([key, seqs]) => [key, seqs[0] ?? 0]));
    for (const [key, seqs] of loop.seqs) {
      const [epoch = "", instrument = ""] = key.split("/");
      const [from, to] = [(first[key] ?? 0) - 1, seqs.at(-1) ?? 0];
      expect(seqs, key).toEqual(logged(logs, epoch, instrument, from, to));
    }
    // Leaving the loop unsubscribes once more.
    expect(pauses).toBeGreaterThan(2);
  });
});

function differences(
  name: string,
  { seqs, starts = {} }: Received,
  ends: Readonly<Record<string, number>>,
  logs: readonly PartitionLog[],
): string[] {
  const pattern = isPattern(name) ? parsePattern(name) : undefined;
  return Object.entries(starts).flatMap(([epoch, from]) => {
    const to = ends[epoch] ?? from;
    const log = logs.find((one) => one.epoch === epoch);
    const instruments = new Set(log?.events.map(({ event }) => event.instrument));
    return [...instruments].flatMap((instrument) => {
      const isOurs = pattern ? covers(pattern, parseInstrument(instrument)) : name.startsWith(`${instrument}@`);
      if (!isOurs) return [];
      const expected = logged(logs, epoch, instrument, from, to);
      const got = (seqs.get(`${epoch}/${instrument}`) ?? []).filter((seq) => seq > from && seq <= to);
      return got.join() === expected.join() ? [] : [`${name} ${epoch}/${instrument}: ${got} instead of ${expected}`];
    });
  });
}

/** The seqs of an instrument's trades and gaps above `from` and up to `to`. */
function logged(logs: readonly PartitionLog[], epoch: string, instrument: string, from: number, to: number): number[] {
  const events = logs.find((one) => one.epoch === epoch)?.events ?? [];
  return events
    .filter(({ seq, event }) => event.type !== "ticker" && event.instrument === instrument && seq > from && seq <= to)
    .map(({ seq }) => seq);
}
