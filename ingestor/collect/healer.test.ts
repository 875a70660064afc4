/** What a healer does with what a history tells; against a whole exchange it is tried in `collector.test.ts`. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../local/testing.ts";
import type { GapEvent, TradeEvent } from "../../protocol/events.ts";
import { FrameError, type History } from "../exchanges/exchange.ts";
import { upbit } from "../exchanges/upbit/index.ts";
import { Healer } from "./healer.ts";
import { KnownTrades } from "./known-trades.ts";

const BTC = "upbit:BTC-KRW";
const ETH = "upbit:ETH-KRW";
const listed = upbit.readMarkets('[{"market":"KRW-BTC"},{"market":"KRW-ETH"}]');

function trade(id: number, time = id, instrument = BTC): TradeEvent {
  const rest = { price: "1", size: `${id}`, side: "buy", received: null, snapshot: false } as const;
  return { type: "trade", instrument, id: `${id}`, time, ...rest };
}

describe("a healer", () => {
  let server: Server;
  let healer: Healer;
  let events: (GapEvent | TradeEvent)[];
  let known: KnownTrades;

  afterEach(() => {
    healer.stop();
    server.close();
  });

  /** A healer of a log that holds `logged`; its history answers with `pages`, and has told everything since `from`. */
  async function open(history: Partial<History>, logged: readonly TradeEvent[] = [], most?: number): Promise<void> {
    events = [];
    server = createServer((_, response) => response.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    known = new KnownTrades([{ events: [...logged], completeFrom: 0, completeUntil: null }], () => 0);
    healer = new Healer({
      history: { ...upbit.history, requests: { count: 1000, per: 1000 }, ...history },
      restUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      known,
      market: (instrument) => listed.find((market) => market.instrument === instrument),
      listed: Promise.resolve(),
      append: (event) => events.push(event),
      onBody: () => undefined,
      overloaded: () => false,
      logger: pino({ level: "silent" }),
      ...(most === undefined ? {} : { most }),
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
  const closed = () => until(() => healer.open === 0);
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
    healer.heal(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect(events.map((event) => (event.type === "gap" ? event.state : event.id))).toEqual([
      "open",
      "3000",
      "5000",
      "healed",
    ]);
    expect(events.filter(({ type }) => type === "trade").every((event) => "late" in event)).toBe(true);
  });

  it("calls healed what a history tells of in full, though nothing was traded in it", async () => {
    await open(tells([[trade(1000)]], 0), [trade(1000)]);
    healer.heal(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect(gaps()).toEqual([
      ["open", 2000, 6000],
      ["healed", 2000, 6000],
    ]);
  });

  it("calls lost only what lies before the oldest trade that is still told of", async () => {
    await open(tells([[trade(5000), trade(4000)]], 4000), [trade(2000)]);
    healer.heal(BTC, "exchange_disconnect", 2000, 6000);
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
    healer.heal(BTC, "exchange_disconnect", 1500, 6000);
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
    healer.heal(BTC, "exchange_disconnect", 2000, 6000);
    await closed();
    expect([gaps().at(-1), late()]).toEqual([
      ["lost", 2000, 3500],
      [3500, 4000, 4500, 5000],
    ]);
    healer.stop();
    server.close();
    const oldestFirst = newestFirst.toReversed().map((page) => page.toReversed());
    await open({ ...tells([[trade(2000)], ...oldestFirst], 2000), order: "oldest-first" }, [trade(2000)], 3);
    healer.heal(BTC, "missed_trades", 2000, 6000);
    await closed();
    expect([gaps().at(-1), late()]).toEqual([
      ["healed", 2000, 6000],
      [2500, 3000, 3500, 4000, 4500, 5000],
    ]);
  });

  it("leaves what came after the gap to the socket", async () => {
    await open(tells([[trade(7100), trade(6900), trade(5000), trade(100)]], 0));
    healer.heal(BTC, "exchange_disconnect", 2000, 6000);
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
    for (const instrument of [BTC, ETH]) healer.heal(instrument, "exchange_disconnect", soon - 5000, soon - 900);
    await closed();
    expect(asked.toSorted()).toEqual([BTC, ETH]);
  });

  it("lets a gap grow while it is open, says so when it has grown by much, and closes it once", async () => {
    await open(tells([[trade(100)]], 0));
    healer.heal(BTC, "unreadable_frame", 2000, 6000);
    healer.heal(BTC, "unreadable_frame", 5000, 8000);
    healer.heal(BTC, "unreadable_frame", 7000, 17_000);
    await closed();
    expect(gaps()).toEqual([
      ["open", 2000, 6000],
      ["open", 2000, 17_000],
      ["healed", 2000, 17_000],
    ]);
  });

  it("gives a gap up when the answers can't be read, or there is no such market", async () => {
    let asked = 0;
    await open({
      trades() {
        asked += 1;
        throw new FrameError("not a list");
      },
    });
    healer.heal(BTC, "exchange_disconnect", 2000, 6000);
    healer.heal("upbit:GONE-KRW", "exchange_disconnect", 2000, 6000);
    await closed();
    expect([asked, gaps().filter(([state]) => state === "lost").length]).toEqual([3, 2]);
  });
});
