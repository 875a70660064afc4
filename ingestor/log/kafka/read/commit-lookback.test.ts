import * as fc from "fast-check";
import type { KafkaMessage } from "kafkajs";
import { expect, it } from "vitest";
import { type Authority, admit } from "../../../../protocol/log-record.ts";
import { headOf, toMessage } from "../records.ts";
import { CommitLookback } from "./commit-lookback.ts";

type Type = "trade" | "status" | "marker";

function message(offset: number, type: Type, term: number, key = "upbit:BTC-KRW", incarnation = "a"): KafkaMessage {
  const { headers } = toMessage({ key, value: "{}", type }, { incarnation, term }, 0, offset);
  const rest = { offset: String(offset), timestamp: String(offset), attributes: 0 };
  return { ...rest, key: Buffer.from(key), value: Buffer.from("{}"), headers: { ...headers } };
}

/** Looks at what stands from `low` on before a commit, as it comes in batches. */
function look(log: readonly KafkaMessage[], low: number, to: number, authority: Authority, batch = 3) {
  const lookback = new CommitLookback(low, to, authority);
  const rest: KafkaMessage[] = [];
  for (let from = low; from < log.length && !lookback.done; from += batch) {
    rest.push(...lookback.take(log.slice(from, from + batch), log.length));
  }
  return { lookback, rest, positions: lookback.positions() };
}

it("finds the last position of each instrument, and hands on what is not before the commit", () => {
  const [btc, eth] = ["upbit:BTC-KRW", "upbit:ETH-KRW"];
  const log = [
    message(0, "marker", 1),
    message(1, "marker", 1),
    message(2, "trade", 1, btc),
    message(3, "trade", 1, eth),
    message(4, "trade", 1, btc),
    message(5, "status", 1, "status"),
    message(6, "trade", 1, eth),
    message(7, "trade", 1, eth),
  ];
  const { rest, positions } = look(log, 0, 6, { incarnation: "a", term: 1 }, 7);
  expect(rest.map(({ offset }) => offset)).toEqual(["6"]);
  expect(positions).toMatchObject({
    offset: 6,
    from: 0,
    last: new Map([
      [btc, 4],
      [eth, 3],
    ]),
    recent: {
      after: 0,
      records: [{ offset: 2, logged: 2, key: btc, value: "{}", type: "trade" }, { offset: 3 }, { offset: 4 }],
    },
  });
  expect(look(log, 4, 8, { incarnation: "a", term: 1 }, 100).lookback.done).toBe(true);
});

it("leaves everything to the reader where the topic was made anew", () => {
  const lookback = new CommitLookback(0, 100, { incarnation: "a", term: 1 });
  const anew = [message(0, "marker", 1, "marker", "b"), message(1, "trade", 1, "upbit:BTC-KRW", "b")];
  expect([lookback.take(anew, 2), lookback.done, lookback.positions()]).toEqual([anew, true, undefined]);
});

/** What collectors that take over from each other write, with what they still have in flight when they are superseded. */
const logs = fc
  .array(
    fc.record({
      type: fc.constantFrom<Type>("trade", "trade", "trade", "status", "marker"),
      /** Of a superseded collector. */
      behind: fc.nat(2),
      key: fc.constantFrom("upbit:A-KRW", "upbit:B-KRW", "upbit:C-KRW"),
    }),
    { minLength: 3, maxLength: 40 },
  )
  .map((drafts) => {
    let term = 1;
    const written = drafts.map(({ type, behind, key }, i) => {
      if (type === "marker") term += 1;
      return message(i + 1, type, type === "marker" ? term : Math.max(1, term - behind), key);
    });
    return [message(0, "marker", 1), ...written];
  });

it("overlooks nothing that counts, and takes nothing void for it unless a term has written nothing", () => {
  fc.assert(
    fc.property(
      logs,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (log, a, b) => {
        const to = 1 + Math.floor(a * (log.length - 1));
        const low = Math.floor(b * to);
        let authority: Authority | null = null;
        const counting = new Map<string, number>();
        const counted = new Set<number>();
        for (const one of log.slice(0, to)) {
          const head = headOf(one);
          if (head === undefined) throw new Error("not ours");
          const verdict = admit(authority, head.origin, head.offset, 0);
          authority = verdict.authority;
          if (verdict.counts || (head.type === "marker" && authority?.term === head.origin.term))
            counted.add(head.offset);
          if (verdict.counts && head.type === "trade" && head.offset >= low) counting.set(`${one.key}`, head.offset);
        }
        if (authority === null) throw new Error("no marker");
        const { positions } = look(log, low, to, authority);
        const { term } = authority;
        const isOfTerm = (one: KafkaMessage) => headOf(one)?.origin.term === term;
        const begins = log.slice(low, to).some((one) => isOfTerm(one) && headOf(one)?.type === "marker");
        if (positions === undefined) {
          expect(log.slice(low, to).some(isOfTerm)).toBe(false);
          return;
        }
        expect(counted).toContain(positions.from);
        const { after, records } = positions.recent;
        const recent = log
          .slice(after + 1, to)
          .filter((one) => headOf(one)?.origin.kind === "event" && counted.has(Number(one.offset)));
        expect(records.map(({ offset }) => offset)).toEqual(recent.map(({ offset }) => Number(offset)));
        if (!begins) expect(positions.last).toEqual(counting);
        else for (const [key, seq] of counting) expect(positions.last.get(key)).toBeGreaterThanOrEqual(seq);
      },
    ),
    { numRuns: 3000 },
  );
});
