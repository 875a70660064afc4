/** What may happen around a relay, at random. */

import fc from "fast-check";
import type { WantedStream } from "../../../protocol/frames.ts";
import type { LoggedEvent } from "../../../protocol/ingest.ts";
import { RATES, type Rate } from "../../../protocol/stream.ts";
import { positionsOf } from "../../../protocol/testing/event-reader.ts";
import type { WireFormat } from "../../sockets.ts";
import { gap, ticker, trade } from "../../testing/test-events.ts";
import { CheckingClient, standsInEpoch } from "./checking-client.ts";
import type { Connection, RelayWorld } from "./relay-world.ts";
import { INSTRUMENTS, PARTITIONS } from "./simulated-feeds.ts";

const names = Object.keys(INSTRUMENTS);
const instrumentsOf = (partition: string) => names.filter((name) => INSTRUMENTS[name] === partition);
const kinds = [trade, trade, trade, ticker, gap];

/** The seqs of all trades and gaps that were ever logged, by epoch and instrument. */
export class Log {
  readonly #seqs = new Map<string, number[]>();

  add(epoch: string, { seq, event }: LoggedEvent): void {
    if (event.type === "ticker") return;
    const key = `${epoch} ${event.instrument}`;
    this.#seqs.set(key, [...(this.#seqs.get(key) ?? []), seq]);
  }

  of = (epoch: string, instrument: string) => this.#seqs.get(`${epoch} ${instrument}`) ?? [];
}

/** A client over its connections. */
export class Visitor {
  readonly client: CheckingClient;
  connection: Connection | undefined;
  readonly #format: WireFormat;
  /** What it came with; its last id, as long as no other has come. */
  #before: ReadonlyMap<string, number> = new Map();

  constructor(log: Log, format: WireFormat = "json") {
    this.#format = format;
    this.client = new CheckingClient(log.of);
  }

  /** Comes, or comes back: by the positions that it was told, or naming one for each stream. */
  come(world: RelayWorld, namesPositions: boolean): void {
    const { client } = this;
    // A URL has no place for them.
    const byStream = namesPositions && this.#format === "json";
    if (this.connection?.open) return;
    const from = byStream ? new Map<string, number>() : this.#positions();
    const epochs = [...client.told.keys()];
    this.connection = world.connect(client, from, byStream, this.#format);
    const streams = [...client.names].map((name) => (byStream ? withPosition(client, name, epochs) : name));
    if (streams.length > 0) world.subscribe(this.connection, streams, from);
  }

  /** A reader of server-sent events has nothing but its last id: that must name every log that it was told a position of. */
  #positions(): ReadonlyMap<string, number> {
    const { told } = this.client;
    const id = this.connection?.events?.lastEventId;
    if (id === undefined) return new Map(told);
    const from = id === "" ? this.#before : new Map(Object.entries(positionsOf(id)));
    this.#before = from;
    const followed = new Set([...from.keys()].map(partitionOf));
    for (const [epoch, seq] of told) {
      const isWanted = [...this.client.names].some((name) => name.includes("@trade@") && standsInEpoch(name, epoch));
      // Of a log that has ended nothing is left to resume.
      const hasEnded = followed.has(partitionOf(epoch)) && !from.has(epoch);
      if (!isWanted || hasEnded) continue;
      if (from.get(epoch) !== seq) throw new Error(`the id "${id}" does not say ${epoch}:${seq}`);
    }
    return from;
  }
}

function partitionOf(epoch: string): string {
  return epoch.slice(0, epoch.lastIndexOf("-"));
}

/** A wildcard can't name a position: by stream, it begins anew. */
function withPosition(client: CheckingClient, name: string, epochs: readonly string[]): WantedStream {
  if (name.includes("*") || !name.includes("@trade@")) {
    client.beginAnew(name);
    return name;
  }
  for (const epoch of epochs.toReversed()) {
    const seq = client.lastOf(name, epoch);
    if (seq !== undefined) return { stream: name, epoch, seq };
  }
  client.beginAnew(name);
  return name;
}

const partition = fc.constantFrom(...PARTITIONS);
const who = fc.nat(2);
const rate = fc.constantFrom(...RATES);
const named = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom("trade", "trade", "ticker"), rate)
  .map((parts) => parts.join("@"));
const wildcard = fc
  .tuple(
    fc.constantFrom("upbit:*-KRW", "upbit:*-*", "*:BTC-*", "*:*-*", "binance:*-USDT", "upbit:ETH-*", "*:XRP-BTC"),
    fc.constantFrom("trade", "trade", "ticker"),
    rate,
  )
  .map((parts) => parts.join("@"));
const stream = fc.oneof(named, wildcard);

export const step = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant("batch" as const),
      partition,
      events: fc.array(fc.record({ kind: fc.nat(4), of: fc.nat(2) }), { maxLength: 4 }),
      offsets: fc.nat(2),
      due: fc.constantFrom<readonly Rate[]>([], ["100ms"], ["100ms", "1s"], ["1s"]),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("pump" as const), partition, messages: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("slot" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("subscribe" as const),
      who,
      streams: fc.array(stream, { minLength: 1, maxLength: 3 }),
      open: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unsubscribe" as const), who, which: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("come" as const), who, byStream: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("open" as const), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "forget" as const), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("epoch" as const), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("positions" as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("drain" as const) }) },
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Offsets that a replay may reach back. */
export const ring = fc.constantFrom(8, 30, 1000);

export function play(steps: readonly Step[], world: RelayWorld, log: Log, visitors: readonly Visitor[]): void {
  for (const step of steps) {
    const visitor = "who" in step ? visitors[step.who] : undefined;
    switch (step.do) {
      case "batch": {
        const own = instrumentsOf(step.partition);
        const feed = world.feeds.get(step.partition);
        const events = step.events.map(({ kind, of }) => (seq: number) => {
          const logged = (kinds[kind] ?? trade)(seq, own[of % own.length]);
          log.add(feed?.epoch ?? "", logged);
          return logged;
        });
        feed?.batch(events, step.offsets, step.due);
        break;
      }
      case "pump":
        world.pump(step.partition, step.messages);
        break;
      case "slot":
        world.core.endSlot(world.now);
        break;
      case "subscribe":
        visitor?.come(world, false);
        if (visitor?.connection !== undefined) world.subscribe(visitor.connection, step.streams);
        if (step.open) for (const partition of PARTITIONS) world.open(partition);
        break;
      case "unsubscribe": {
        const name = [...(visitor?.client.names ?? [])][step.which];
        if (visitor?.connection?.open && name !== undefined)
          world.core.unsubscribe(visitor.connection, { id: 2, streams: [name] });
        break;
      }
      case "leave":
        if (visitor?.connection !== undefined) world.leave(visitor.connection);
        break;
      case "come":
        visitor?.come(world, step.byStream);
        break;
      case "open":
        world.open(step.partition);
        break;
      case "lose":
        world.lose(step.partition);
        break;
      case "restart":
      case "forget":
        world.feeds.get(step.partition)?.[step.do]();
        world.lose(step.partition);
        break;
      case "epoch":
        world.feeds.get(step.partition)?.changeEpoch();
        break;
      case "wait":
        world.now += 6000;
        world.core.settle(world.now);
        break;
      case "positions":
        world.core.tellPositions();
        break;
      case "drain":
        world.drain();
        break;
    }
  }
}
