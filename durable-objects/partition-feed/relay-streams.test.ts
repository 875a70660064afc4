import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DataItem, dataItem } from "../../protocol/frames.ts";
import type { LoggedEvent } from "../../protocol/ingest.ts";
import { decodeRelayFrame, type ItemLine } from "../../protocol/relay-frames.ts";
import { RATES, type Rate } from "../../protocol/stream.ts";
import { gap, ticker, trade } from "../testing/test-events.ts";
import { RelayStreams } from "./relay-streams.ts";
import { Replay } from "./replay.ts";

const CONTEXT = { source: "live" as const, edge: 1 };
const [BTC, ETH] = ["upbit:BTC-KRW", "upbit:ETH-KRW"];
const A = { name: "a" };
const B = { name: "b" };

function read(lines: readonly string[] = []): { line: ItemLine; item: DataItem }[] {
  const frame = `{"op":"gone","instruments":[]}${lines.join("")}`;
  return decodeRelayFrame(frame).lines.map((line) => ({ line, item: dataItem.parse(JSON.parse(line.text)) }));
}

const brief = (lines: readonly string[] = []) =>
  read(lines).map(({ line: { stream, prev, first, seq }, item }) => [stream, prev, first, seq, item.n]);

describe("RelayStreams", () => {
  it("makes each item once, for every relay that wants it under whatever name", () => {
    const streams = new RelayStreams<object>("e", 10);
    streams.add(A, [`${BTC}@trade@raw`, "upbit:*-KRW@trade@raw", "upbit:*-*@ticker@1s"]);
    streams.add(B, ["upbit:BTC-*@trade@raw"]);
    streams.take([trade(11, BTC), ticker(12, BTC), trade(13, ETH)]);
    const lines = streams.flush([], 13, CONTEXT);
    expect(brief(lines.get(A))).toEqual([
      [`${BTC}@trade@raw`, 10, 11, 11, 1],
      [`${ETH}@trade@raw`, 10, 13, 13, 1],
    ]);
    expect(lines.get(B)?.[0]).toBe(lines.get(A)?.[0]);
    expect(brief(streams.flush(["1s"], 13, CONTEXT).get(A))).toEqual([[`${BTC}@ticker@1s`, 0, 12, 12, 1]]);
  });

  it("says of every rate up to where nothing is left to send", () => {
    const streams = new RelayStreams<object>("e", 10);
    streams.add(A, [`${BTC}@trade@raw`, `${BTC}@trade@1s`, `${BTC}@ticker@100ms`]);
    expect(streams.rates).toEqual(["raw", "100ms", "1s"]);
    streams.take([trade(12, BTC), ticker(13, BTC)]);
    streams.flush([], 15, CONTEXT);
    expect(streams.through).toEqual({ raw: 15, "100ms": 15, "1s": 10 });
    streams.flush(["1s"], 16, CONTEXT);
    expect(streams.through).toEqual({ raw: 16, "100ms": 16, "1s": 16 });
  });

  it("follows instruments that it has never heard of, and continues what was before they were wanted", () => {
    const streams = new RelayStreams<object>("e", 10);
    streams.take([trade(11, BTC), gap(12, BTC), ticker(13, BTC)]);
    streams.flush([], 13, CONTEXT);
    streams.add(A, ["upbit:*-*@trade@raw", `${BTC}@ticker@raw`]);
    streams.take([trade(14, ETH), trade(15, BTC), ticker(16, BTC)]);
    expect(brief(streams.flush([], 16, CONTEXT).get(A)).sort()).toEqual([
      [`${BTC}@ticker@raw`, 13, 16, 16, 1],
      [`${BTC}@trade@raw`, 12, 15, 15, 1],
      [`${ETH}@trade@raw`, 10, 14, 14, 1],
    ]);
  });

  it("tells a newcomer the state flushed last and, of what is named, the newest trade", () => {
    const streams = new RelayStreams<object>("e", 0);
    streams.add(A, [`${BTC}@trade@1s`]);
    streams.take([trade(1, BTC)]);
    streams.flush(["1s"], 1, CONTEXT);
    streams.take([trade(2, BTC), ticker(3, ETH)]);
    const names = [
      `${BTC}@trade@1s`,
      "upbit:*-*@trade@1s",
      "upbit:*-*@ticker@1s",
      `${ETH}@ticker@1s`,
      "upbit:X-KRW@trade@raw",
    ];
    streams.add(B, names);
    expect(read(streams.snapshots(names, CONTEXT)).map(({ item }) => item)).toMatchObject([
      { stream: `${BTC}@trade@1s`, prev: 0, seq: 2, n: 0, snapshot: true, trades: [{ seq: 2 }] },
      { stream: `${ETH}@ticker@1s`, prev: 0, seq: 3, snapshot: true },
    ]);
    expect(brief(streams.flush(["1s"], 3, CONTEXT).get(B))).toEqual([[`${BTC}@trade@1s`, 1, 2, 2, 1]]);
  });

  it("sends nothing of what was given up to those who want it anew", () => {
    const streams = new RelayStreams<object>("e", 10);
    const names = [`${BTC}@ticker@1s`, "upbit:*-*@trade@1s"];
    streams.add(A, names);
    streams.take([ticker(11, BTC), trade(12, BTC)]);
    streams.drop(A, names);
    streams.take([ticker(13, BTC), trade(14, BTC)]);
    streams.add(A, names);
    expect(brief(streams.snapshots(names, CONTEXT))).toEqual([[`${BTC}@ticker@1s`, 0, 13, 13, 1]]);
    expect(streams.flush(["1s"], 14, CONTEXT).get(A)).toBeUndefined();
    expect(streams.through["1s"]).toBe(14);
  });

  it("keeps nothing for nobody", () => {
    const streams = new RelayStreams<object>("e", 0);
    streams.add(A, ["upbit:*-*@trade@1s"]);
    streams.take([trade(1, BTC)]);
    streams.drop(A, ["upbit:*-*@trade@1s"]);
    streams.take([trade(2, BTC)]);
    expect(streams.rates).toEqual([]);
    expect(streams.flush(["1s"], 2, CONTEXT).size).toBe(0);
    streams.add(A, [`${BTC}@trade@1s`]);
    streams.take([trade(3, BTC)]);
    expect(brief(streams.flush(["1s"], 3, CONTEXT).get(A))).toEqual([[`${BTC}@trade@1s`, 2, 3, 3, 1]]);
  });

  it("goes over to another log with a snapshot and a gap on every trade stream, those of wildcards too", () => {
    const streams = new RelayStreams<object>("e", 0);
    streams.add(A, ["upbit:*-KRW@trade@1s", `${BTC}@ticker@raw`]);
    streams.take([trade(1, BTC), ticker(2, BTC), ticker(3, ETH)]);
    streams.flush(RATES, 3, CONTEXT);
    const lines = streams.changeEpoch("f", 1, 5, 9, CONTEXT);
    expect(
      read(lines.get(A)).map(({ item }) => [item.stream, item.epoch, item.prev, item.seq, item.gap?.cause]),
    ).toEqual([
      [`${BTC}@trade@1s`, "f", 0, 0, undefined],
      [`${BTC}@trade@1s`, "f", 0, 1, "epoch_changed"],
      [`${ETH}@trade@1s`, "f", 0, 0, undefined],
      [`${ETH}@trade@1s`, "f", 0, 1, "epoch_changed"],
    ]);
    expect(streams.through).toEqual({ raw: 1, "100ms": 1, "1s": 1 });
    streams.take([ticker(2, BTC), trade(3, BTC)]);
    expect(
      read(streams.flush(RATES, 3, CONTEXT).get(A)).map(({ item }) => [item.prev, item.seq, item.snapshot]),
    ).toEqual([
      [0, 2, true],
      [1, 3, undefined],
    ]);
  });

  it("refuses a name that is no stream, and adds none of those beside it", () => {
    const streams = new RelayStreams<object>("e", 0);
    expect(() => streams.add(A, [`${BTC}@trade@raw`, "upbit:BTC"])).toThrow("is not a stream");
    expect(streams.rates).toEqual([]);
  });
});

describe("what a relay is sent", () => {
  const instrument = fc.constantFrom(BTC, ETH, "upbit:XRP-BTC");
  const kind = fc.constantFrom(trade, trade, ticker, gap);
  const part = fc.constantFrom("BTC", "ETH", "XRP", "*");
  const name = fc
    .tuple(part, fc.constantFrom("KRW", "BTC", "*"), fc.constantFrom("trade", "ticker"), fc.constantFrom(...RATES))
    .map(([base, quote, channel, rate]) => `upbit:${base}-${quote}@${channel}@${rate}`);
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        events: fc.array(fc.record({ kind, instrument, skip: fc.integer({ min: 1, max: 3 }) }), { maxLength: 5 }),
        due: fc.subarray<Rate>([...RATES]),
      }),
    },
    { weight: 2, arbitrary: fc.record({ add: name, who: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ drop: fc.nat(5), who: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ replay: name, back: fc.nat(20), page: fc.nat(10) }) },
  );

  it("continues what it has, leaves nothing out up to what is said, and repeats nothing: joins, leaves and batches at random", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const streams = new RelayStreams<object>("e", 0);
        const log: LoggedEvent[] = [];
        let through = 0;
        const links = [A, B].map((link) => ({ link, wants: new Map<string, number>(), items: [] as DataItem[] }));
        for (const step of steps) {
          if ("add" in step) {
            const one = links[step.who];
            if (one === undefined || one.wants.has(step.add)) continue;
            streams.add(one.link, [step.add]);
            one.wants.set(step.add, through);
            const first = read(streams.snapshots([step.add], CONTEXT)).map(({ item }) => item);
            one.items.push(...first.filter(({ ticker }) => ticker !== undefined));
          } else if ("drop" in step) {
            const one = links[step.who];
            const gone = [...(one?.wants.keys() ?? [])][step.drop];
            if (one === undefined || gone === undefined) continue;
            streams.drop(one.link, [gone]);
            one.wants.delete(gone);
          } else if ("replay" in step) {
            const from = Math.max(0, through - step.back);
            const replay = new Replay("e", [step.replay], from);
            const pages = [from, from + step.page].map((after, i) =>
              log.filter(({ seq }) => seq > after && (i > 0 || seq <= from + step.page)),
            );
            const lines = pages.flatMap((events) => read(replay.page(events, CONTEXT)));
            checkChains(
              lines.map(({ item }) => item),
              from,
            );
            for (const seq of wantedSeqs(log, step.replay, from, through)) {
              expect(lines.some(({ item }) => seqsOf(item).includes(seq))).toBe(true);
            }
          } else {
            const events = step.events.map(({ kind, instrument, skip }) => {
              through += skip;
              return kind(through, instrument);
            });
            log.push(...events);
            streams.take(events);
            const lines = streams.flush(step.due, through, CONTEXT);
            for (const { link, items } of links) items.push(...read(lines.get(link)).map(({ item }) => item));
          }
          for (const { items, wants } of links) {
            for (const [name, start] of wants) {
              const rate = RATES.find((one) => name.endsWith(`@${one}`)) ?? "raw";
              const sent = new Set(items.filter(({ stream }) => stream.endsWith(`@trade@${rate}`)).flatMap(seqsOf));
              for (const seq of wantedSeqs(log, name, start, streams.through[rate])) expect(sent.has(seq)).toBe(true);
            }
          }
        }
        for (const { items } of links) checkOnce(items);
      }),
      { numRuns: 300 },
    );
  });
});

/** The seqs of the trades and gaps of a name after `from`, up to and with `through`. */
function wantedSeqs(log: readonly LoggedEvent[], name: string, from: number, through: number): number[] {
  const [, base, quote, channel] = /^upbit:(.+)-(.+)@(.+)@/.exec(name) ?? [];
  if (channel !== "trade") return [];
  return log.flatMap(({ seq, event }) => {
    const [eventBase, eventQuote] = event.instrument.slice("upbit:".length).split("-");
    const fits = (base === "*" || base === eventBase) && (quote === "*" || quote === eventQuote);
    return fits && event.type !== "ticker" && seq > from && seq <= through ? [seq] : [];
  });
}

function seqsOf(item: DataItem): number[] {
  return item.gap === undefined ? (item.trades ?? []).map(({ seq }) => seq) : [item.seq];
}

/** Each stream's items continue each other, the first one `from`. */
function checkChains(items: readonly DataItem[], from: number): void {
  const last = new Map<string, number>();
  for (const { stream, prev, seq } of items) {
    expect(prev).toBe(last.get(stream) ?? from);
    last.set(stream, seq);
  }
}

/** Nothing twice, in order; what comes after a stream was away for a while may continue from further on. */
function checkOnce(items: readonly DataItem[]): void {
  const last = new Map<string, number>();
  for (const item of items) {
    const before = last.get(item.stream) ?? 0;
    // Whoever comes is shown the last item, again or for the first time.
    if (item.snapshot === true) expect(item.seq).toBeGreaterThanOrEqual(before);
    else expect(item.prev).toBeGreaterThanOrEqual(before);
    for (const seq of seqsOf(item)) expect(seq).toBeGreaterThan(before);
    last.set(item.stream, item.seq);
  }
}
