/** The promise of every listener's unbroken history, searched for faults over the real object: seeded, bounded. */

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { expect, it } from "vitest";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { gap, Receiver, ticker, trade } from "../testing/test-events.ts";
import { newFeed, TestPusher } from "../testing/test-feed.ts";
import { barrier, type Client, openClient } from "../testing/test-socket.ts";
import type { SymbolFeed } from "./symbol-feed.ts";

const EPOCH = "e1";

interface Complete {
  readonly last: number;
  readonly through: number;
}

/** Comes, goes, changes its rate, and resumes where it was. */
class Visitor {
  readonly receiver = new Receiver();
  start: number | undefined;
  #client: Client | undefined;
  #stream = "";
  #read = 0;

  /** @param complete the last event of the log, and up to where it is complete: who has the one may name the other */
  async come(stub: DurableObjectStub<SymbolFeed>, stream: string, complete: Complete): Promise<void> {
    await this.leave(false);
    const { receiver } = this;
    if (this.start !== undefined && receiver.last >= complete.last) receiver.last = complete.through;
    const client = await openClient(stub, "https://feed/");
    const position = { epoch: EPOCH, seq: receiver.last };
    client.send({ op: "subscribe", streams: [this.start === undefined ? stream : { stream, ...position }] });
    const { streams } = await client.next("subscribed");
    if (this.start !== undefined) expect(streams).toMatchObject([{ recovered: true }]);
    else receiver.last = streams[0]?.seq ?? 0;
    this.start ??= receiver.last;
    this.#client = client;
    this.#stream = stream;
    this.#read = 0;
  }

  /** Unsubscribes first, or just goes. */
  async leave(politely: boolean): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    if (politely) {
      client.send({ op: "unsubscribe", streams: [this.#stream] });
      await client.next("unsubscribed");
    }
    this.#take(client);
    client.ws.close(1000);
    this.#client = undefined;
  }

  /** Takes in everything up to `seq`, and what was sent beyond it. @returns whether it is there */
  async settle(seq: number): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) return false;
    for (this.#take(client); this.receiver.last < seq; this.#take(client)) await client.next("data");
    await barrier(client);
    this.#take(client);
    return true;
  }

  #take({ seen }: Client): void {
    for (const frame of seen.slice(this.#read)) if (frame.op === "data") this.receiver.takeAll(frame.data);
    this.#read = seen.length;
  }
}

type Step =
  | { do: "write"; kinds: number[]; due: Rate[] }
  | { do: "come"; who: number; rate: Rate }
  | { do: "leave"; who: number; politely: boolean }
  | { do: "pass"; count: number }
  | { do: "evict" | "replace" };

const who = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      kinds: fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }),
      due: fc.subarray<Rate>([...RATES]),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("come" as const), who, rate: fc.constantFrom(...RATES) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const), who, politely: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("evict" as const, "replace" as const) }) },
);

/** A feed, a pusher that obeys it, and those who visit it. */
async function scene() {
  const { stub, instrument } = newFeed();
  const visitors = [new Visitor(), new Visitor(), new Visitor()];
  let seq = 1;
  const through = () => seq;
  let pusher = await obedient(await TestPusher.open(stub, EPOCH), through);
  // Keep the conflated rates asked for: else everything that waits goes out when its last listener leaves.
  const steady = await openClient(stub, `https://feed/?stream=${instrument}@ticker&stream=${instrument}@ticker@1s`);
  const write = (kinds: readonly number[], due: readonly Rate[]) => {
    const events = kinds.map((kind) => {
      seq += 1;
      return kind === 0 ? gap(seq, instrument) : kind < 3 ? ticker(seq, instrument) : trade(seq, instrument);
    });
    pusher.push(events, due);
  };
  const take = async (one: Step): Promise<void> => {
    switch (one.do) {
      case "write":
        return write(one.kinds, one.due);
      case "come":
        return visitors[one.who]?.come(stub, `${instrument}@trade@${one.rate}`, { last: last(), through: seq });
      case "pass":
        // Other instruments of the partition take these positions.
        seq += one.count;
        return pusher.push([], [], seq);
      case "leave":
        return visitors[one.who]?.leave(one.politely);
      case "evict":
        // Only what is awake can be evicted.
        await runInDurableObject(stub, () => undefined);
        return evictDurableObject(stub);
      case "replace":
        pusher = await obedient(await TestPusher.open(stub, EPOCH, pusher.log), through);
    }
  };
  const last = () => pusher.log.findLast(({ event }) => event.type !== "ticker")?.seq ?? 0;
  const trades = () => pusher.log.flatMap(({ seq: at, event }) => (event.type === "trade" ? [at] : []));
  return { visitors, take, trades, write, steady };
}

/** Sends again whatever the feed lacks, and answers a new cadence at once. */
async function obedient(pusher: TestPusher, through: () => number): Promise<TestPusher> {
  const { seq } = await pusher.socket.next("ready");
  if (pusher.log.length > 0) pusher.sendAfter(seq);
  pusher.socket.ws.addEventListener("message", ({ data }) => {
    const frame = JSON.parse(String(data)) as { op: string; from: number };
    if (frame.op === "resend") pusher.sendAfter(frame.from);
    if (frame.op === "cadence") pusher.push([], [], through());
  });
  return pusher;
}

it("gives each listener every trade between its positions, whoever else comes and goes", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const { visitors, take, trades, write, steady } = await scene();
      for (const one of [{ do: "write", kinds: [5], due: [] } as const, ...steps]) await take(one as Step);
      write([5], RATES);
      for (const visitor of visitors) {
        const present = await visitor.settle(trades().at(-1) ?? 0);
        const { receiver, start = Number.MAX_SAFE_INTEGER } = visitor;
        const told = trades().filter((seq) => seq > start && (present || seq <= receiver.last));
        expect(receiver.trades).toEqual(told.map((seq) => `${EPOCH}/${seq}`));
        await visitor.leave(false);
      }
      steady.ws.close(1000);
    }),
    { numRuns: 40, interruptAfterTimeLimit: 40_000 },
  );
});
