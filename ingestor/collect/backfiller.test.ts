/** What a backfiller does with what a history tells; against a whole exchange it is tried in `collector.test.ts`. */

import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import type { GapEvent, TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { FrameError, type History } from "../exchanges/exchange.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import { Backfiller } from "./backfiller.ts";
import { TradeDeduplicator } from "./trade-deduplicator.ts";

const BTC = "upbit:BTC-KRW";
const ETH = "upbit:ETH-KRW";
const listed = upbit.readMarkets('[{"market":"KRW-BTC"},{"market":"KRW-ETH"}]');
const numbered = (name: string, count: number) =>
  upbit.readMarkets(JSON.stringify(Array.from({ length: count }, (_, i) => ({ market: `KRW-${name}${i}` }))));

function trade(id: number, time = id, instrument = BTC): TradeEvent {
  const rest = { price: "1", size: `${id}`, side: "buy", received: null, snapshot: false } as const;
  return { type: "trade", instrument, id: `${id}`, time, ...rest };
}

describe("a backfiller", () => {
  let server: Server;
  let backfiller: Backfiller;
  /** The paths that the exchange was asked for, and how it answers one. */
  let asked: string[];
  let answer: (path: string, response: ServerResponse) => void;
  let markets: readonly Market[] = [];
  let events: (GapEvent | TradeEvent)[];
  let deduplicator: TradeDeduplicator;
  /** From when on (ms) the log is known, while what stands before is still being read. */
  let knownFrom: number | undefined;

  afterEach(() => {
    [markets, knownFrom] = [[], undefined];
    backfiller.stop();
    server.closeAllConnections();
    server.close();
  });

  /** A backfiller of a log that holds `logged`; its history answers with `pages`, and has told everything since `from`. */
  async function open(
    history: Partial<History>,
    logged: readonly TradeEvent[] = [],
    maxGathered?: number,
    patience = 60_000,
  ): Promise<void> {
    events = [];
    [asked, markets] = [[], [...listed, ...markets]];
    answer = (_path, response) => response.end("[]");
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      answer(request.url ?? "", response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const unread = knownFrom === undefined ? {} : { unreadSince: 0 };
    deduplicator = new TradeDeduplicator(
      [{ events: [...logged], completeFrom: knownFrom ?? 0, completeUntil: null, ...unread }],
      () => 0,
    );
    backfiller = new Backfiller({
      history: { ...upbit.history, requests: { count: 1000, per: 1000 }, ...history },
      restUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      deduplicator,
      market: (instrument) => markets.find((market) => market.instrument === instrument),
      listed: Promise.resolve(),
      append: (event) => events.push(event),
      onBody: () => undefined,
      overloaded: () => false,
      logger: pino({ level: "silent" }),
      patience,
      ...(maxGathered === undefined ? {} : { maxGathered }),
    });
  }
  const tells = (pages: readonly (readonly TradeEvent[])[], from: number): Partial<History> => ({
    async *trades(_market, _stretch, get) {
      for (const page of pages) {
        await get("/page");
        yield page;
      }
      return from;
    },
  });
  const closed = () => until(() => backfiller.open === 0);
  const gaps = () => events.flatMap((event) => (event.type === "gap" ? [[event.state, event.since, event.until]] : []));
  const late = () => events.flatMap((event) => (event.type === "trade" ? [Number(event.id)] : []));

  it("puts what is missing into the log between the two ends of the gap, oldest first", async () => {
    await open(
      tells(
        [
          [trade(5000), trade(4000)],
          [trade(3000), trade(400)],
        ],
        0,
      ),
      [trade(4000)],
    );
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect(events.map((event) => (event.type === "gap" ? event.state : event.id))).toEqual([
      "open",
      "3000",
      "5000",
      "healed",
    ]);
    expect(events.filter(({ type }) => type === "trade").every((event) => "late" in event)).toBe(true);
  });

  it("asks for nothing of which it is not known yet what the log has had, and for the rest at once", async () => {
    knownFrom = 50_000;
    await open(tells([[trade(70_000), trade(60_000), trade(2500), trade(2400), trade(400)]], 0), [trade(60_000)]);
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 3000);
    backfiller.backfill(BTC, "missed_trades", 65_000, 71_000);
    await until(() => gaps().length === 3);
    expect([gaps().at(-1), late(), asked.length]).toEqual([["healed", 65_000, 71_000], [70_000], 1]);
    await deduplicator.recall(0, { events: [trade(400), trade(2400)], completeFrom: 0 });
    backfiller.startDue();
    await closed();
    expect(gaps().slice(3)).toEqual([["healed", 2000, 3000]]);
    expect(late()).toEqual([70_000, 2500]);
  });

  it("calls healed what a history tells of in full, though nothing was traded in it", async () => {
    await open(tells([[trade(1000)]], 0), [trade(1000)]);
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect(gaps()).toEqual([
      ["open", 2000, 6000],
      ["healed", 2000, 6000],
    ]);
  });

  it("calls lost only what lies before the oldest trade that is still told of", async () => {
    await open(tells([[trade(5000), trade(4000)]], 4000), [trade(2000)]);
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect([gaps(), late()]).toEqual([
      [
        ["open", 2000, 6000],
        ["lost", 2000, 4000],
      ],
      [4000, 5000],
    ]);
  });

  it("does not take a history that has forgotten the last trade we have for one without trades", async () => {
    await open(tells([[]], 0), [trade(1900)]);
    backfiller.backfill(BTC, "exchange_disconnect", 1500, 6000);
    await closed();
    expect(gaps()).toEqual([
      ["open", 1500, 6000],
      ["lost", 1500, 6000],
    ]);
  });

  it("gives up more than it can hold where the newest come first, and nothing where the oldest do", async () => {
    const newestFirst = [
      [trade(5000), trade(4500)],
      [trade(4000), trade(3500)],
      [trade(3000), trade(2500)],
    ];
    await open(tells(newestFirst, 0), [trade(2000)], 3);
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect([gaps().at(-1), late()]).toEqual([
      ["lost", 2000, 3500],
      [3500, 4000, 4500, 5000],
    ]);
    backfiller.stop();
    server.close();
    const oldestFirst = newestFirst.toReversed().map((page) => page.toReversed());
    await open({ ...tells([[trade(2000)], ...oldestFirst], 2000), order: "oldest-first" }, [trade(2000)], 3);
    backfiller.backfill(BTC, "missed_trades", 2000, 6000);
    await closed();
    expect([gaps().at(-1), late()]).toEqual([
      ["healed", 2000, 6000],
      [2500, 3000, 3500, 4000, 4500, 5000],
    ]);
  });

  it("leaves what came after the gap to the socket", async () => {
    await open(tells([[trade(7100), trade(6900), trade(5000), trade(100)]], 0));
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect(late()).toEqual([5000, 6900]);
  });

  it("begins with the busiest market", async () => {
    const asked: string[] = [];
    await open(
      {
        async *trades({ instrument }) {
          asked.push(instrument);
          yield [];
          return 0;
        },
      },
      [trade(1, 1, ETH), trade(2, 2, ETH), trade(1, 1)],
    );
    const soon = Date.now() + 200;
    for (const instrument of [BTC, ETH])
      backfiller.backfill(instrument, "exchange_disconnect", soon - 5000, soon - 900);
    await closed();
    expect(asked.toSorted()).toEqual([BTC, ETH]);
  });

  it("lets a gap grow while it is open, says so when it has grown by much, and closes it once", async () => {
    await open(tells([[trade(100)]], 0));
    backfiller.backfill(BTC, "unreadable_frame", 2000, 6000);
    backfiller.backfill(BTC, "unreadable_frame", 5000, 8000);
    backfiller.backfill(BTC, "unreadable_frame", 7000, 17_000);
    await closed();
    expect(gaps()).toEqual([
      ["open", 2000, 6000],
      ["open", 2000, 17_000],
      ["healed", 2000, 17_000],
    ]);
  });

  it("gives a gap up when the answers can't be read for long, or there is no such market", async () => {
    let rounds = 0;
    const begun = Date.now();
    const trades = () => {
      rounds += 1;
      throw new FrameError("not a list");
    };
    await open({ trades }, [], undefined, 500);
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    backfiller.backfill("upbit:GONE-KRW", "exchange_disconnect", 2000, 6000);
    await closed();
    expect(gaps().filter(([state]) => state === "lost").length).toBe(2);
    expect(rounds).toBeGreaterThanOrEqual(3);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(500);
  });

  it.each([
    ["status 200", 200, "<!DOCTYPE html><h1>Back soon</h1>"],
    ["status 404", 404, "<html><h1>Not here</h1></html>"],
    ["plain text", 200, "The service is down for maintenance."],
  ])("does not take a maintenance page for the exchange's answer: %s", async (_what, status, page) => {
    await open(tells([[trade(3000), trade(1000)]], 0), [trade(1000)]);
    answer = (_path, response) => {
      if (asked.length > 3) response.end("[]");
      else response.writeHead(status, { "Content-Type": "text/html" }).end(page);
    };
    const begun = Date.now();
    backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect([gaps().map(([state]) => state), late()]).toEqual([["open", "healed"], [3000]]);
    // As long as after an answer of 500: three pauses, of at least half of 0.5, 1 and 2 s.
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1700);
  });

  it.each([
    ["is silent", () => undefined],
    ["is answered with an error", (response: ServerResponse) => void response.writeHead(500).end()],
    ["is told by a page", (response: ServerResponse) => void response.end("<html></html>")],
  ])(
    "asks about the others first where the history of some %s",
    async (_what, fail) => {
      const [well, ill] = [numbered("WELL", 20), numbered("ILL", 4)];
      markets = [...well, ...ill];
      await open(
        {
          async *trades({ instrument }, _stretch, get) {
            await get(`/${instrument}`);
            yield [];
            return 0;
          },
          // The busiest of all.
        },
        ill.flatMap(({ instrument }) => [trade(1, 1, instrument), trade(2, 2, instrument)]),
      );
      answer = (path, response) => {
        if (path.includes("ILL")) fail(response);
        else response.end("[]");
      };
      for (const { instrument } of [...well, ...ill])
        backfiller.backfill(instrument, "exchange_disconnect", 2000, 6000);
      await until(() => backfiller.open === ill.length);
      expect(new Set(asked.filter((path) => path.includes("WELL"))).size).toBe(well.length);
      // Nor does a later one wait for them.
      await until(() => asked.filter((path) => path.includes("ILL")).length >= 6);
      backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
      await until(() => asked.includes(`/${BTC}`));
      await until(() => backfiller.open === ill.length);
    },
    30_000,
  );

  it("leaves an exchange that answers nobody in peace", async () => {
    const ill = numbered("ILL", 40);
    markets = ill;
    await open(tells([[]], 0));
    answer = (_path, response) => response.writeHead(500).end();
    const begun = Date.now();
    for (const { instrument } of ill) backfiller.backfill(instrument, "exchange_disconnect", 2000, 6000);
    await until(() => asked.length >= 20);
    // 4, and after each 4 a pause twice as long as the one before, of at least half of 0.5, 1, 2 and 4 s.
    expect(Date.now() - begun).toBeGreaterThanOrEqual(3700);
  }, 30_000);

  it("asks for a gap that grows from where it has been told everything, and not from its first moment", async () => {
    const stretches: { readonly since: number; readonly until: number }[] = [];
    let now = Date.now() - 3_600_000;
    const begun = now;
    await open({
      async *trades(_market, stretch, get) {
        stretches.push(stretch);
        await get("/page");
        // While it is asked for, the exchange sends what can't be read.
        now += 600_000;
        if (stretches.length <= 4) backfiller.backfill(BTC, "unreadable_frame", begun, now);
        yield [trade(1, stretch.since - 1)];
        return 0;
      },
    });
    backfiller.backfill(BTC, "unreadable_frame", begun, begun + 60_000);
    await closed();
    // 10 s of what was told are asked for again.
    expect(stretches.map(({ since }) => since - begun)).toEqual([0, 50_000, 590_000, 1_190_000, 1_790_000]);
    expect(gaps().filter(([state]) => state !== "open")).toEqual([["healed", begun, now - 600_000]]);
  });

  it("says of a gap that grew what was lost of it in the first round", async () => {
    let rounds = 0;
    await open(
      {
        async *trades(_market, stretch, get) {
          await get("/page");
          rounds += 1;
          if (rounds === 1) backfiller.backfill(BTC, "unreadable_frame", 2000, 50_000);
          // At first it has forgotten what was before.
          const oldest = rounds === 1 ? 4000 : stretch.since - 1;
          yield [trade(oldest, oldest)];
          return oldest;
        },
      },
      [trade(1900)],
    );
    backfiller.backfill(BTC, "unreadable_frame", 2000, 6000);
    await closed();
    expect([rounds, gaps().at(-1)]).toEqual([2, ["lost", 2000, 4000]]);
  });
});
