/** Which gaps are fetched when; against a whole exchange it is tried in `collector.test.ts`. */

import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import { BackfillSetup, BTC, ETH, numbered, tells, trade } from "../testing/backfill-setup.ts";

describe("a backfiller", () => {
  let setup: BackfillSetup;
  afterEach(() => setup.stop());

  it("asks for nothing of which it is not known yet what the log has had, and for the rest at once", async () => {
    setup = await BackfillSetup.open(tells([[trade(70_000), trade(60_000), trade(2500), trade(2400), trade(400)]], 0), {
      ...{ knownFrom: 50_000, logged: [trade(60_000)] },
    });
    setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 3000);
    setup.backfiller.backfill(BTC, "missed_trades", 65_000, 71_000);
    await until(() => setup.gaps.length === 3);
    expect([setup.gaps.at(-1), setup.late, setup.asked.length]).toEqual([["healed", 65_000, 71_000], [70_000], 1]);
    await setup.deduplicator.recall(0, { events: [trade(400), trade(2400)], completeFrom: 0 });
    setup.backfiller.startDue();
    await setup.closed();
    expect(setup.gaps.slice(3)).toEqual([["healed", 2000, 3000]]);
    expect(setup.late).toEqual([70_000, 2500]);
  });

  it("begins with the busiest market", async () => {
    const asked: string[] = [];
    setup = await BackfillSetup.open(
      {
        async *trades({ instrument }) {
          asked.push(instrument);
          yield [];
          return 0;
        },
      },
      { logged: [trade(1, 1, ETH), trade(2, 2, ETH), trade(1, 1)] },
    );
    const soon = Date.now() + 200;
    for (const instrument of [BTC, ETH])
      setup.backfiller.backfill(instrument, "exchange_disconnect", soon - 5000, soon - 900);
    await setup.closed();
    expect(asked).toEqual([ETH, BTC]);
  });

  it("lets a gap grow while it is open, says so when it has grown by much, and closes it once", async () => {
    setup = await BackfillSetup.open(tells([[trade(100)]], 0));
    setup.backfiller.backfill(BTC, "unreadable_frame", 2000, 6000);
    setup.backfiller.backfill(BTC, "unreadable_frame", 5000, 8000);
    setup.backfiller.backfill(BTC, "unreadable_frame", 7000, 17_000);
    await setup.closed();
    expect(setup.gaps).toEqual([
      ["open", 2000, 6000],
      ["open", 2000, 17_000],
      ["healed", 2000, 17_000],
    ]);
  });

  it.each([
    ["is silent", () => undefined],
    ["is answered with an error", (response: ServerResponse) => void response.writeHead(500).end()],
    ["is told by a page", (response: ServerResponse) => void response.end("<html></html>")],
  ])(
    "asks about the others first where the history of some %s",
    async (_what, fail) => {
      const [well, ill] = [numbered("WELL", 20), numbered("ILL", 4)];
      setup = await BackfillSetup.open(
        {
          async *trades({ instrument }, _range, get) {
            await get(`/${instrument}`);
            yield [];
            return 0;
          },
        },
        {
          markets: [...well, ...ill],
          // The busiest of all.
          logged: ill.flatMap(({ instrument }) => [trade(1, 1, instrument), trade(2, 2, instrument)]),
        },
      );
      setup.answer = (path, response) => {
        if (path.includes("ILL")) fail(response);
        else response.end("[]");
      };
      for (const { instrument } of [...well, ...ill])
        setup.backfiller.backfill(instrument, "exchange_disconnect", 2000, 6000);
      await until(() => setup.backfiller.open === ill.length);
      expect(new Set(setup.asked.filter((path) => path.includes("WELL"))).size).toBe(well.length);
      // Nor does a later one wait for them.
      await until(() => setup.asked.filter((path) => path.includes("ILL")).length >= 6);
      setup.backfiller.backfill(BTC, "exchange_disconnect", 2000, 6000);
      await until(() => setup.asked.includes(`/${BTC}`));
      await until(() => setup.backfiller.open === ill.length);
    },
    30_000,
  );

  it("leaves an exchange that answers nobody in peace", async () => {
    const ill = numbered("ILL", 40);
    setup = await BackfillSetup.open(tells([[]], 0), { markets: ill });
    setup.answer = (_path, response) => response.writeHead(500).end();
    const begun = Date.now();
    for (const { instrument } of ill) setup.backfiller.backfill(instrument, "exchange_disconnect", 2000, 6000);
    await until(() => setup.asked.length >= 20);
    // 4, and after each 4 a pause twice as long as the one before, of at least half of 0.5, 1, 2 and 4 s.
    expect(Date.now() - begun).toBeGreaterThanOrEqual(3700);
  }, 30_000);

  it("asks for a gap that grows from where it has been told everything, and not from its first moment", async () => {
    const stretches: { readonly since: number; readonly until: number }[] = [];
    let now = Date.now() - 3_600_000;
    const begun = now;
    setup = await BackfillSetup.open({
      async *trades(_market, stretch, get) {
        stretches.push(stretch);
        await get("/page");
        // While it is asked for, the exchange sends what can't be read.
        now += 600_000;
        if (stretches.length <= 4) setup.backfiller.backfill(BTC, "unreadable_frame", begun, now);
        yield [trade(1, stretch.since - 1)];
        return 0;
      },
    });
    setup.backfiller.backfill(BTC, "unreadable_frame", begun, begun + 60_000);
    await setup.closed();
    // 10 s of what was told are asked for again.
    expect(stretches.map(({ since }) => since - begun)).toEqual([0, 50_000, 590_000, 1_190_000, 1_790_000]);
    expect(setup.gaps.filter(([state]) => state !== "open")).toEqual([["healed", begun, now - 600_000]]);
  });
});
