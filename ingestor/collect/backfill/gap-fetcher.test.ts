/** What becomes of a gap by what a history tells of it. */

import { afterEach, describe, expect, it } from "vitest";
import { FrameError } from "../../exchanges/exchange.ts";
import { BackfillSetup, BTC, tells, trade } from "../testing/backfill-setup.ts";

describe("a gap", () => {
  let setup: BackfillSetup;
  afterEach(() => setup.stop());

  it("puts what is missing into the log between the two ends of the gap, oldest first", async () => {
    setup = await BackfillSetup.open(
      tells(
        [
          [trade(5000), trade(4000)],
          [trade(3000), trade(400)],
        ],
        0,
      ),
      { logged: [trade(4000)] },
    );
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await setup.closed();
    expect(setup.events.map((event) => (event.type === "gap" ? event.state : event.id))).toEqual([
      "open",
      "3000",
      "5000",
      "healed",
    ]);
    expect(setup.events.filter(({ type }) => type === "trade").every((event) => "late" in event)).toBe(true);
  });

  it("calls healed what a history tells of in full, though nothing was traded in it", async () => {
    setup = await BackfillSetup.open(tells([[trade(1000)]], 0), { logged: [trade(1000)] });
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await setup.closed();
    expect(setup.gaps).toEqual([
      ["open", 2000, 6000],
      ["healed", 2000, 6000],
    ]);
  });

  it("calls lost only what lies before the oldest trade that is still told of", async () => {
    setup = await BackfillSetup.open(tells([[trade(5000), trade(4000)]], 4000), { logged: [trade(2000)] });
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await setup.closed();
    expect([setup.gaps, setup.late]).toEqual([
      [
        ["open", 2000, 6000],
        ["lost", 2000, 4000],
      ],
      [4000, 5000],
    ]);
  });

  it("does not take a history that has forgotten the last trade we have for one without trades", async () => {
    setup = await BackfillSetup.open(tells([[]], 0), { logged: [trade(1900)] });
    setup.backfiller.backfill(BTC, "exchange_disconnect", 1500, 6000);
    await setup.closed();
    expect(setup.gaps).toEqual([
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
    setup = await BackfillSetup.open(tells(newestFirst, 0), { logged: [trade(2000)], maxGathered: 3 });
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await setup.closed();
    expect([setup.gaps.at(-1), setup.late]).toEqual([
      ["lost", 2000, 3500],
      [3500, 4000, 4500, 5000],
    ]);
    setup.stop();
    const oldestFirst = newestFirst.toReversed().map((page) => page.toReversed());
    setup = await BackfillSetup.open(
      { ...tells([[trade(2000)], ...oldestFirst], 2000), order: "oldest-first" },
      { logged: [trade(2000)], maxGathered: 3 },
    );
    setup.backfiller.backfill(BTC, "missed_trades", 2000, 6000);
    await setup.closed();
    expect([setup.gaps.at(-1), setup.late]).toEqual([
      ["healed", 2000, 6000],
      [2500, 3000, 3500, 4000, 4500, 5000],
    ]);
  });

  it("leaves what came after the gap to the socket", async () => {
    setup = await BackfillSetup.open(tells([[trade(7100), trade(6900), trade(5000), trade(100)]], 0));
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await setup.closed();
    expect(setup.late).toEqual([5000, 6900]);
  });

  it("gives a gap up when the answers can't be read for long, or there is no such market", async () => {
    let rounds = 0;
    const begun = Date.now();
    const trades = () => {
      rounds += 1;
      throw new FrameError("not a list");
    };
    setup = await BackfillSetup.open({ trades }, { patience: 500 });
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    setup.backfiller.backfill("upbit:GONE-KRW", "exchange_disconnect", 2000, 6000);
    await setup.closed();
    expect(setup.gaps.filter(([state]) => state === "lost").length).toBe(2);
    expect(rounds).toBeGreaterThanOrEqual(3);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(500);
  });

  it.each([
    ["status 200", 200, "<!DOCTYPE html><h1>Back soon</h1>"],
    ["status 404", 404, "<html><h1>Not here</h1></html>"],
    ["plain text", 200, "The service is down for maintenance."],
  ])("does not take a maintenance page for the exchange's answer: %s", async (_what, status, page) => {
    setup = await BackfillSetup.open(tells([[trade(3000), trade(1000)]], 0), { logged: [trade(1000)] });
    setup.answer = (_path, response) => {
      if (setup.asked.length > 3) response.end("[]");
      else response.writeHead(status, { "Content-Type": "text/html" }).end(page);
    };
    const begun = Date.now();
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
    await setup.closed();
    expect([setup.gaps.map(([state]) => state), setup.late]).toEqual([["open", "healed"], [3000]]);
    // As long as after an answer of 500: three pauses, of at least half of 0.5, 1 and 2 s.
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1700);
  });

  it("says of a gap that grew what was lost of it in the first round", async () => {
    let rounds = 0;
    setup = await BackfillSetup.open(
      {
        async *trades(_market, stretch, get) {
          await get("/page");
          rounds += 1;
          if (rounds === 1) setup.backfiller.backfill(BTC, "unreadable_frame", 2000, 50_000);
          // At first it has forgotten what was before.
          const oldest = rounds === 1 ? 4000 : stretch.since - 1;
          yield [trade(oldest, oldest)];
          return oldest;
        },
      },
      { logged: [trade(1900)] },
    );
    setup.backfiller.backfill(BTC, "unreadable_frame", 2000, 6000);
    await setup.closed();
    expect([rounds, setup.gaps.at(-1)]).toEqual([2, ["lost", 2000, 4000]]);
  });
});
