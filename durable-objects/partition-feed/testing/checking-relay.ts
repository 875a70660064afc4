/** A relay that holds what it is sent against the log: of its trade streams nothing may be missing, repeated or out of order. */

import { type DataItem, dataItem } from "../../../protocol/frames.ts";
import type { LoggedEvent } from "../../../protocol/ingest.ts";
import { patternsOf } from "../../../protocol/pattern.ts";
import {
  decodeRelayFrame,
  type RelayHead,
  type RelayRequest,
  type Through,
  UNASKED,
} from "../../../protocol/relay-frames.ts";
import { parseStream, type Rate } from "../../../protocol/stream.ts";
import { seqsOf } from "./test-relay.ts";

interface Want {
  /** The request that is not answered yet. */
  asked: number | undefined;
  /** Everything up to there was found to have come, or is from before. */
  checked: number;
}

interface Replay {
  readonly from: number;
  readonly names: readonly string[];
  readonly items: DataItem[];
  /** Asks for the next page at once. */
  readonly eager: boolean;
  atEnd: boolean;
}

export class CheckingRelay {
  readonly wants = new Map<string, Want>();
  readonly replays = new Map<number, Replay>();
  epoch: string | null = null;
  open = true;
  /** How far the feed is, as it has said. */
  position = 0;
  through: Through = { raw: 0, "100ms": 0, "1s": 0 };
  /** What is wrong. */
  readonly faults: string[] = [];
  /** How many seqs were checked live, and in replays that came to their end. */
  readonly checked = { live: 0, replayed: 0 };
  #got = new Map<string, Set<number>>();
  readonly #ws: WebSocket;
  readonly #logOf: (epoch: string) => readonly LoggedEvent[];
  #requests = 0;

  constructor(ws: WebSocket, logOf: (epoch: string) => readonly LoggedEvent[]) {
    this.#ws = ws;
    this.#logOf = logOf;
    ws.addEventListener("message", ({ data }) => {
      if (this.open) this.#take(String(data));
    });
    ws.addEventListener("close", () => {
      this.open = false;
    });
    ws.accept();
  }

  get settled(): boolean {
    return [...this.wants.values()].every(({ asked }) => asked === undefined);
  }

  want(add: readonly string[], drop: readonly string[]): void {
    const id = this.#next();
    for (const name of add) this.wants.set(name, { asked: id, checked: 0 });
    for (const name of drop) this.wants.delete(name);
    this.#say({ op: "want", id, add: [...add], drop: [...drop] });
  }

  /** @returns the request's id */
  replay(from: number, names: readonly string[], eager: boolean): number {
    const id = this.#next();
    this.replays.set(id, { from, names, items: [], eager, atEnd: false });
    this.#say({ op: "replay", id, epoch: this.epoch ?? "", from, streams: [...names] });
    return id;
  }

  /** Goes on with a replay that is not eager, or has come to an end, or ends it. */
  page(id: number, ends: boolean): void {
    if (ends) this.replays.delete(id);
    this.#say({ op: ends ? "cancel" : "next", id });
  }

  leave(): void {
    this.open = false;
    this.#ws.close(1000);
  }

  #next(): number {
    this.#requests += 1;
    return this.#requests;
  }

  #say(request: RelayRequest): void {
    if (this.open) this.#ws.send(JSON.stringify(request));
  }

  #take(text: string): void {
    const { head, lines } = decodeRelayFrame(text);
    const items = lines.map((line) => dataItem.parse(JSON.parse(line.text)));
    switch (head.op) {
      case "wanted":
        if (head.epoch !== null) this.#adopt(head.epoch);
        for (const want of this.wants.values()) {
          const isAnswered = want.asked === head.id || (head.id === UNASKED && want.asked === undefined);
          if (isAnswered) Object.assign(want, { asked: undefined, checked: head.start });
        }
        this.position = Math.max(this.position, head.start);
        this.#reach(head.through);
        break;
      case "lines":
        if (head.epoch !== this.epoch) this.faults.push(`lines of ${head.epoch} in ${this.epoch}`);
        for (const item of items) this.#takeItem(item);
        this.position = Math.max(this.position, head.through.raw);
        this.#reach(head.through);
        break;
      case "epoch": {
        // Of the log that has ended nothing is left behind.
        const end = this.position;
        if (head.epoch !== this.epoch) this.#reach({ raw: end, "100ms": end, "1s": end });
        this.#adopt(head.epoch);
        for (const want of this.wants.values()) if (want.asked === undefined) want.checked = head.start;
        for (const item of items) this.#takeItem(item);
        this.position = Math.max(head.start, ...items.map(({ seq }) => seq));
        this.replays.clear();
        break;
      }
      case "replay":
        this.#takePage(head, items);
        break;
    }
  }

  #adopt(epoch: string): void {
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.#got = new Map();
    this.position = 0;
    this.through = { raw: 0, "100ms": 0, "1s": 0 };
  }

  #takeItem(item: DataItem): void {
    if (item.ticker !== undefined || item.snapshot) return;
    const { stream, prev, epoch } = item;
    const got = this.#got.get(stream) ?? new Set();
    this.#got.set(stream, got);
    const last = Math.max(0, ...got);
    const seqs = seqsOf(item);
    if (item.epoch !== this.epoch) this.faults.push(`${stream} of ${epoch} in ${this.epoch}`);
    if ((seqs[0] ?? 0) <= last) this.faults.push(`${stream}: ${seqs} after ${last}`);
    if (this.#seqs([stream], prev, (seqs[0] ?? 0) - 1).length > 0)
      this.faults.push(`${stream}: ${prev} before ${seqs}`);
    for (const seq of seqs) got.add(seq);
  }

  /** By now everything of the streams at each rate must have come. */
  #reach(through: Through): void {
    this.through = through;
    for (const [name, want] of this.wants) {
      if (want.asked !== undefined || !name.includes("@trade@")) continue;
      const to = through[rateOf(name)];
      for (const { stream, seq } of this.#eventsOf([name], want.checked, to)) {
        this.checked.live += 1;
        if (!this.#got.get(stream)?.has(seq)) this.faults.push(`${stream}: ${seq} has not come by ${to}`);
      }
      want.checked = Math.max(want.checked, to);
    }
  }

  #takePage(head: Extract<RelayHead, { op: "replay" }>, items: readonly DataItem[]): void {
    const replay = this.replays.get(head.id);
    if (replay === undefined) return;
    if (head.recovered !== true) {
      if (head.recovered === "too_old" && head.oldest <= replay.from) this.faults.push(`${head.oldest} is not too old`);
      this.replays.delete(head.id);
      return;
    }
    replay.items.push(...items);
    replay.atEnd = !head.more;
    if (head.more) {
      if (replay.eager) this.page(head.id, false);
      return;
    }
    if (head.through !== Math.max(replay.from, this.position)) {
      this.faults.push(`a replay from ${replay.from} ends at ${head.through}, the feed is at ${this.position}`);
    }
    this.#checkReplay(replay, head.through);
  }

  #checkReplay({ from, names, items }: Replay, through: number): void {
    const expected = this.#eventsOf(names, from, through).map(({ stream, seq }) => `${stream} ${seq}`);
    const got = items.flatMap((item) => seqsOf(item).map((seq) => `${item.stream} ${seq}`));
    this.checked.replayed += got.length;
    if (expected.toSorted().join() !== got.toSorted().join())
      this.faults.push(`replayed ${got}, the log has ${expected}`);
    const last = new Map<string, number>();
    for (const { stream, prev, seq } of items) {
      if (prev !== (last.get(stream) ?? from)) this.faults.push(`${stream}: replayed ${seq} does not continue ${prev}`);
      last.set(stream, seq);
    }
  }

  #seqs(names: readonly string[], after: number, to: number): number[] {
    return this.#eventsOf(names, after, to).map(({ seq }) => seq);
  }

  /** The log's trades and gaps in these streams and wildcards, each under the name of its stream. */
  #eventsOf(names: readonly string[], after: number, to: number): { stream: string; seq: number }[] {
    const rates = new Set(names.map(rateOf));
    return this.#logOf(this.epoch ?? "").flatMap(({ seq, event }) => {
      if (event.type === "ticker" || seq <= after || seq > to) return [];
      return [...rates].flatMap((rate) => {
        const stream = `${event.instrument}@trade@${rate}`;
        return patternsOf(parseStream(stream)).some((name) => names.includes(name)) ? [{ stream, seq }] : [];
      });
    });
  }
}

function rateOf(name: string): Rate {
  return parseStream(name.replaceAll("*", "X")).rate;
}
