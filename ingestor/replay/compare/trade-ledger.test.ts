import { expect, test } from "vitest";
import { tradeEvent } from "../test-events.ts";
import { type OpenTrade, TradeLedger } from "./trade-ledger.ts";

function open(ledger: TradeLedger, id: string | null, time = 1000, at = 0): OpenTrade {
  const trade = tradeEvent({ id, time });
  const found = ledger.find(trade, at);
  if (typeof found === "string") throw new Error(found);
  found.variants.push(trade);
  return found;
}

const find = (ledger: TradeLedger, id: string, time = 1000) => ledger.find(tradeEvent({ id, time }), 0);

test("a trade is open until it is settled, and then known", () => {
  const ledger = new TradeLedger(true);
  const trade = open(ledger, "1");
  expect(open(ledger, "1")).toBe(trade);
  trade.logged = { trade: tradeEvent(), place: { partition: 0, seq: 1 } };
  ledger.settle(trade);
  expect(find(ledger, "1")).toBe("settled");
  ledger.settle(open(ledger, "2"));
  expect(find(ledger, "2")).toBe("settled without the log");
});

test("without an id, what a trade says of itself has to do", () => {
  const ledger = new TradeLedger(true);
  expect(open(ledger, null)).toBe(open(ledger, null));
  expect(open(ledger, null)).not.toBe(open(ledger, null, 1001));
});

test("open trades are found by how long nothing has come of them", () => {
  const ledger = new TradeLedger(true);
  open(ledger, "1", 1000, 10);
  open(ledger, "2", 1000, 20);
  open(ledger, "1", 1000, 30);
  expect([...ledger.quietSince(30)].map(({ key }) => key)).toEqual(["2"]);
});

test("beyond its limit the first settled are forgotten, and what may be one of them can't be judged", () => {
  const ledger = new TradeLedger(true, 2);
  for (const [id, time] of [
    ["1", 1000],
    ["2", 2000],
    ["3", 3000],
  ] as const)
    ledger.settle(open(ledger, id, time));
  expect(find(ledger, "1", 1000)).toBe("too old");
  expect(find(ledger, "4", 1000)).toBe("too old");
  expect(find(ledger, "3", 3000)).toBe("settled without the log");
  expect(typeof find(ledger, "4", 1001)).toBe("object");
});

test("what is forgotten is counted no longer", () => {
  const ledger = new TradeLedger(false, 0);
  const trade = open(ledger, "1");
  ledger.count(trade, tradeEvent(), "socket");
  expect(ledger.tally?.hasAll(tradeEvent())).toBe(false);
  ledger.settle(trade);
  expect(ledger.tally?.hasAll(tradeEvent())).toBe(true);
});
