/** Partition feeds with the real streams and a log in memory, and links to a relay that lose nothing but when they are cut. */

import type { LoggedEvent } from "../../../protocol/ingest.ts";
import { parseInstrument } from "../../../protocol/instrument.ts";
import { covers, type StreamPattern } from "../../../protocol/pattern.ts";
import { encodeRelayFrame, type RelayHead, type RelayRequest, UNASKED } from "../../../protocol/relay-frames.ts";
import { RATES, type Rate } from "../../../protocol/stream.ts";
import { RelayStreams } from "../../partition-feed/relay-streams.ts";
import { Replay } from "../../partition-feed/replay.ts";
import type { Markets } from "../markets.ts";

/** Partition by instrument. */
export const INSTRUMENTS: Readonly<Record<string, string>> = {
  "upbit:BTC-KRW": "upbit/0",
  "upbit:ETH-KRW": "upbit/0",
  "upbit:XRP-BTC": "upbit/1",
  "binance:BTC-USDT": "binance/0",
  "binance:ETH-USDT": "binance/0",
};
export const PARTITIONS = [...new Set(Object.values(INSTRUMENTS))];

export const MARKETS: Markets = {
  exchanges: ["upbit", "binance"],
  has: (instrument) => instrument in INSTRUMENTS,
  count: (pattern: StreamPattern) =>
    Object.keys(INSTRUMENTS).filter((name) => covers(pattern, parseInstrument(name))).length,
  partitionOf: (instrument) => INSTRUMENTS[instrument.split("@")[0] ?? ""] ?? `${instrument.split(":")[0]}/0`,
  partitionsOf: (exchange) => PARTITIONS.filter((one) => one.startsWith(`${exchange}/`)),
};

/** Events of a page of a replay. */
const PAGE = 4;
/** Lines of the answer to a want in one frame. */
const WANTED_LINES = 2;
const CONTEXT = { source: "live" as const, edge: 1 };

export class SimulatedFeed {
  readonly partition: string;
  /** The pusher's memory; it reaches back this many offsets. */
  readonly #ring: number;
  log: LoggedEvent[] = [];
  #incarnation = 0;
  #through = 2;
  #link: object | undefined;
  #streams: RelayStreams<object>;
  /** False from when it has lost its memory until its pusher is back. */
  #isKnown = true;
  readonly #say: (text: string) => void;

  constructor(partition: string, ring: number, say: (text: string) => void) {
    this.partition = partition;
    this.#ring = ring;
    this.#say = say;
    this.#streams = new RelayStreams(this.epoch, this.#through);
  }

  get epoch(): string {
    return `${this.partition}-${this.#incarnation}`;
  }

  get through(): number {
    return this.#through;
  }

  /** @param offsets how many the batch covers at least, whatever stands there */
  batch(events: readonly ((seq: number) => LoggedEvent)[], offsets: number, due: readonly Rate[]): void {
    const logged = events.map((event) => {
      this.#through += 1;
      return event(this.#through);
    });
    this.#through += offsets;
    this.log.push(...logged);
    if (!this.#isKnown) {
      this.#begin();
      return;
    }
    this.#streams.take(logged);
    const lines = this.#streams.flush(due, this.#through, CONTEXT);
    if (this.#link === undefined) return;
    const head = { op: "lines" as const, epoch: this.epoch, through: this.#streams.through };
    this.#send(head, lines.get(this.#link));
  }

  open(): void {
    this.#link = {};
  }

  cut(): void {
    if (this.#link !== undefined) this.#streams.drop(this.#link, [...this.#wants]);
    this.#wants.clear();
    this.#replays.clear();
    this.#link = undefined;
  }

  /** The memory is gone: all that is left is the newest ticker of each instrument, as the pusher tells it. */
  restart(): void {
    this.forget();
    this.#isKnown = true;
    this.#streams = new RelayStreams(this.epoch, this.#through);
    this.#learn();
  }

  /** The memory is gone, and the pusher comes back only with the next batch. */
  forget(): void {
    this.#wants.clear();
    this.#replays.clear();
    this.#link = undefined;
    this.#isKnown = false;
    this.#streams = new RelayStreams("", 0);
  }

  changeEpoch(): void {
    this.batch([], 0, RATES);
    this.#incarnation += 1;
    this.log = [];
    this.#through = 1;
    const lines = this.#streams.changeEpoch(this.epoch, 1, 1, 2, CONTEXT);
    if (this.#link !== undefined) this.#send({ op: "epoch", epoch: this.epoch, start: 0 }, lines.get(this.#link));
    this.batch([], 0, RATES);
  }

  take(request: RelayRequest): void {
    if (this.#link === undefined) return;
    if (request.op === "want") this.#takeWant(request);
    if (request.op === "cancel") this.#replays.delete(request.id);
    if (request.op === "replay") {
      const { id, epoch, from, streams } = request;
      this.#replays.set(id, { replay: new Replay(epoch, streams, from), through: from });
    }
    if (this.#isKnown && (request.op === "replay" || request.op === "next")) this.#page(request.id);
  }

  readonly #wants = new Set<string>();
  readonly #replays = new Map<number, { readonly replay: Replay; through: number }>();

  #takeWant({ id, add, drop }: Extract<RelayRequest, { op: "want" }>): void {
    if (this.#link === undefined) return;
    this.#streams.add(this.#link, add);
    this.#streams.drop(this.#link, drop);
    for (const name of add) this.#wants.add(name);
    for (const name of drop) this.#wants.delete(name);
    this.#sendWanted(id, add);
  }

  #sendWanted(id: number, names: readonly string[]): void {
    const lines = this.#streams.snapshots(names, CONTEXT);
    const [epoch, start] = this.#isKnown ? [this.epoch, this.#through] : [null, 0];
    const head = { op: "wanted" as const, id, epoch, start, through: this.#streams.through };
    for (let i = 0; i < lines.length - WANTED_LINES; i += WANTED_LINES) {
      this.#send({ ...head, more: true }, lines.slice(i, i + WANTED_LINES));
    }
    const rest = lines.length === 0 ? 0 : lines.length - (((lines.length - 1) % WANTED_LINES) + 1);
    this.#send({ ...head, more: false }, lines.slice(rest));
  }

  /** What is known of the log is told to the relay, and what has been asked of it is answered. */
  #begin(): void {
    const asked = [...this.#replays.keys()];
    this.#isKnown = true;
    this.#streams = new RelayStreams(this.epoch, this.#through);
    this.#learn();
    if (this.#link === undefined) return;
    if (this.#wants.size > 0) {
      this.#streams.add(this.#link, [...this.#wants]);
      this.#sendWanted(UNASKED, [...this.#wants]);
    }
    for (const id of asked) this.#page(id);
  }

  #learn(): void {
    for (const logged of this.log) if (logged.event.type === "ticker") this.#streams.learn(logged);
  }

  #page(id: number): void {
    const session = this.#replays.get(id);
    if (session === undefined) return;
    const { replay, through: from } = session;
    const oldest = Math.max(0, this.#through - this.#ring);
    const head = { op: "replay" as const, id, epoch: replay.epoch, through: from, oldest, more: false };
    if (replay.epoch !== this.epoch) this.#send({ ...head, recovered: "epoch_changed" });
    else if (from < oldest) this.#send({ ...head, recovered: "too_old" });
    else {
      const through = Math.max(from, Math.min(this.#through, from + PAGE));
      const more = through < this.#through;
      session.through = through;
      const events = this.log.filter(({ seq }) => seq > from && seq <= through);
      this.#send({ ...head, through, more, recovered: true }, replay.page(events, CONTEXT));
    }
  }

  #send(head: RelayHead, lines: readonly string[] = []): void {
    this.#say(encodeRelayFrame(head, lines));
  }
}
