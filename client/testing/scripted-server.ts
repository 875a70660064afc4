/**
 * A server of connections of many streams that keeps PROTOCOL.md §3 to §5 as loosely as they allow: items begin before what
 * was sent, come again, and positions lag behind. It also loses what it sends, and connections. Two partitions, three
 * instruments in each; nothing is forgotten but logs that have ended.
 */

import type { DataItem, TradeItem } from "../../protocol/frames.ts";
import { parseInstrument } from "../../protocol/instrument.ts";
import { type MultiClientFrame, multiClientFrame } from "../../protocol/multi-stream-frames.ts";
import { covers, isPattern, parsePattern } from "../../protocol/pattern.ts";
import type { SocketLike } from "../handlers.ts";

export const INSTRUMENTS = ["A", "B", "C", "D", "E", "F"].map((base) => `upbit:${base}-KRW`);
const RATE = "@trade@1s";
const t = { exchange: 1, received: 2, logged: 3, edge: 4 };

interface Log {
  readonly epoch: string;
  readonly events: { readonly seq: number; readonly instrument: string }[];
  end: number;
}

interface Connection {
  readonly socket: SocketLike & { readyState: number };
  readonly names: Set<string>;
  readonly told: Map<string, number>;
  /** By instrument: up to where it has been sent. */
  readonly sent: Map<string, number>;
  outbox: string[];
}

/** What a subscription is owed: by epoch, everything of it above a seq. */
export type Owed = Map<string, number>;

export class ScriptedServer {
  readonly logs: Log[] = [newLog("a-0"), newLog("a-1")];
  readonly #random: () => number;
  /** A subscription begins anew in these epochs, behind these seqs. */
  readonly #onBegin: (name: string, owed: Owed) => void;
  #connection: Connection | undefined;
  /** Whether something was lost on the connection: its positions stand still then. */
  #hasLost = false;
  dials = 0;

  constructor(random: () => number, onBegin: (name: string, owed: Owed) => void) {
    this.#random = random;
    this.#onBegin = onBegin;
  }

  readonly dial = (): SocketLike => {
    this.dials += 1;
    const socket: Connection["socket"] = {
      readyState: 0,
      send: (text) => this.#take(connection, multiClientFrame.parse(JSON.parse(text))),
      close: () => this.#leave(connection),
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
    };
    const connection: Connection = { socket, names: new Set(), told: new Map(), sent: new Map(), outbox: [] };
    this.#connection = connection;
    this.#hasLost = false;
    setTimeout(() => {
      if (this.#connection !== connection) return;
      socket.readyState = 1;
      socket.onopen?.(undefined as never);
    });
    return socket;
  };

  /** Trades of random instruments. */
  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const at = Math.floor(this.#random() * INSTRUMENTS.length);
      const log = this.logAt(at % 2);
      log.end += 1 + Math.floor(this.#random() * 3);
      log.events.push({ seq: log.end, instrument: INSTRUMENTS[at] ?? "" });
    }
  }

  logAt(partition: number): Log {
    const log = this.logs.filter(({ epoch }) => epoch.endsWith(`-${partition}`)).at(-1);
    if (log === undefined) throw new Error("no such partition");
    return log;
  }

  /** Sends what has not been sent. @param loses one of the items @param tells positions too, where nothing is lacking */
  flush(loses: boolean, tells: boolean): void {
    const { socket, sent } = this.#connection ?? {};
    if (socket === undefined || socket.readyState !== 1 || sent === undefined) return;
    const items = [...sent].flatMap(([instrument, seq]) => this.#itemsAbove(instrument, seq));
    const lost = loses ? Math.floor(this.#random() * items.length) : -1;
    if (loses && items.length > 0) this.#hasLost = true;
    for (const instrument of sent.keys()) sent.set(instrument, this.logAt(partitionOf(instrument)).end);
    const positions = tells && !this.#hasLost ? this.#tellAll() : {};
    const data = items.filter((_, i) => i !== lost);
    // What has come comes again now and then.
    this.#send({ op: "data", data: this.#random() < 0.2 ? [...data, ...data.slice(0, 2)] : data, positions });
  }

  /** Another log takes the place of a partition's: all that the old one had has been sent. */
  changeLog(partition: number): void {
    this.flush(false, true);
    const log = newLog(`${"abcdefghijklmnopqrstuvwxyz"[this.logs.length]}-${partition}`);
    this.logs.push(log);
    log.end = 1;
    const connection = this.#connection;
    if (connection === undefined || connection.socket.readyState !== 1) return;
    const listened = [...connection.sent.keys()].filter((instrument) => partitionOf(instrument) === partition);
    for (const instrument of listened) connection.sent.set(instrument, log.end);
    for (const name of connection.names) {
      if (listened.some((instrument) => standsFor(name, instrument))) this.#onBegin(name, new Map([[log.epoch, 1]]));
    }
    if (listened.length === 0) return;
    connection.told.set(log.epoch, 1);
    this.#send({ op: "data", data: [], positions: { [log.epoch]: 1 } });
    this.#send({ op: "data", data: listened.flatMap((instrument) => changeItems(log.epoch, instrument)) });
  }

  /** Loses the connection, with what is on its way. */
  cut(code: number): void {
    const { socket } = this.#connection ?? {};
    this.#connection = undefined;
    if (socket === undefined) return;
    socket.readyState = 3;
    socket.onclose?.({ code, reason: "" });
  }

  probe(): void {
    this.#send({ op: "probe", id: 1 });
  }

  #take(connection: Connection, frame: MultiClientFrame): void {
    if (this.#connection !== connection) return;
    if (frame.op === "unsubscribe") {
      for (const name of frame.streams) connection.names.delete(name);
      for (const instrument of connection.sent.keys()) {
        if (![...connection.names].some((name) => standsFor(name, instrument))) connection.sent.delete(instrument);
      }
    }
    if (frame.op === "subscribe") this.#subscribe(connection, frame);
  }

  #subscribe(connection: Connection, { id, streams, from = {} }: Extract<MultiClientFrame, { op: "subscribe" }>): void {
    const names = streams.map((one) => (typeof one === "string" ? one : one.stream));
    const snapshots: DataItem[] = [];
    const answers = names.map((name) => {
      const owed: Owed = new Map();
      const recovered: Record<string, true> = {};
      let named: object = {};
      const listened = INSTRUMENTS.filter((instrument) => standsFor(name, instrument));
      for (const instrument of listened) {
        const log = this.logAt(partitionOf(instrument));
        const claim = from[log.epoch];
        const newest = log.events.filter((event) => event.instrument === instrument).at(-1)?.seq;
        const start = claim ?? (isPattern(name) ? undefined : newest) ?? connection.told.get(log.epoch) ?? log.end;
        const told = claim ?? connection.told.get(log.epoch) ?? log.end;
        connection.told.set(log.epoch, Math.min(connection.told.get(log.epoch) ?? told, told));
        connection.sent.set(instrument, Math.min(connection.sent.get(instrument) ?? start, start));
        if (claim === undefined) owed.set(log.epoch, start);
        else recovered[log.epoch] = true;
        if (isPattern(name)) continue;
        named = { epoch: log.epoch, seq: claim ?? newest ?? 0, ...(claim === undefined ? {} : { recovered: true }) };
        if (claim === undefined && newest !== undefined) snapshots.push(snapshot(log.epoch, instrument, newest));
      }
      connection.names.add(name);
      if (owed.size > 0) this.#onBegin(name, owed);
      const wildcard = { matches: listened.length, recovered };
      return { requested: name, stream: name, ...(isPattern(name) ? wildcard : named) };
    });
    const positions = Object.fromEntries(connection.told);
    this.#send({ op: "subscribed", id, streams: answers, failed: [], positions });
    if (snapshots.length > 0) this.#send({ op: "data", data: snapshots });
  }

  #itemsAbove(instrument: string, seq: number): DataItem[] {
    const { epoch, events } = this.logAt(partitionOf(instrument));
    const own = events.filter((event) => event.instrument === instrument).map((event) => event.seq);
    const items: DataItem[] = [];
    for (let at = own.findIndex((one) => one > seq); at >= 0 && at < own.length; ) {
      const first = Math.max(0, at - (this.#random() < 0.2 ? Math.floor(this.#random() * 4) : 0));
      const next = Math.min(own.length, at + 1 + Math.floor(this.#random() * 3));
      items.push(item(epoch, instrument, own[first - 1] ?? 0, own.slice(first, next)));
      at = next;
    }
    return items;
  }

  #tellAll(): Record<string, number> {
    const { sent, told } = this.#connection ?? { sent: new Map<string, number>(), told: new Map<string, number>() };
    for (const instrument of sent.keys()) {
      const { epoch, end } = this.logAt(partitionOf(instrument));
      told.set(epoch, end);
    }
    return Object.fromEntries(told);
  }

  #send(frame: object): void {
    const connection = this.#connection;
    if (connection === undefined || connection.socket.readyState !== 1) return;
    connection.outbox.push(JSON.stringify(frame));
    setTimeout(() => {
      const data = connection.outbox.shift();
      if (this.#connection === connection && data !== undefined) connection.socket.onmessage?.({ data });
    });
  }

  #leave(connection: Connection): void {
    connection.socket.readyState = 3;
    if (this.#connection === connection) this.#connection = undefined;
  }
}

export function standsFor(name: string, instrument: string): boolean {
  if (!isPattern(name)) return name === instrument + RATE;
  return covers(parsePattern(name), parseInstrument(instrument));
}

function newLog(epoch: string): Log {
  return { epoch, events: [], end: 5 };
}

function partitionOf(instrument: string): number {
  return INSTRUMENTS.indexOf(instrument) % 2;
}

function item(epoch: string, instrument: string, prev: number, seqs: readonly number[]): DataItem {
  const trades = seqs.map((seq): TradeItem => ({ id: `${seq}`, price: "1", size: "1", side: "buy", time: 1, seq }));
  return { stream: instrument + RATE, instrument, epoch, prev, seq: seqs.at(-1) ?? 0, n: seqs.length, t, trades };
}

function snapshot(epoch: string, instrument: string, seq: number): DataItem {
  return { ...item(epoch, instrument, 0, [seq]), n: 0, snapshot: true };
}

/** What a new log begins with: an empty snapshot, then a gap. */
function changeItems(epoch: string, instrument: string): DataItem[] {
  const place = { stream: instrument + RATE, instrument, epoch, n: 0, t };
  const gap = { cause: "epoch_changed" as const, since: 1, until: 2, state: "lost" as const };
  return [
    { ...place, prev: 0, seq: 0, snapshot: true, trades: [] },
    { ...place, prev: 0, seq: 1, gap },
  ];
}
