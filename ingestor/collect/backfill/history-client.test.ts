import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../local/testing.ts";
import type { TradeEvent } from "../../../protocol/events.ts";
import type { Market } from "../../../protocol/ingest.ts";
import { FrameError, type History, HistoryError, UnavailableError } from "../../exchanges/exchange.ts";
import { upbit } from "../../exchanges/upbit/index.ts";
import type { RawFrame } from "../../log/log.ts";
import { Bans } from "../limits/bans.ts";
import { HistoryClient } from "./history-client.ts";

/** A timer may be early by this, ms. */
const SLACK = 30;
const STRETCH = { since: 0, until: 1000, lastId: null };
const BTC = marketOf("KRW-BTC");
const ETH = marketOf("KRW-ETH");

function marketOf(code: string): Market {
  const [market] = upbit.readMarkets(JSON.stringify([{ market: code }]));
  if (market === undefined) throw new Error(`no market: ${code}`);
  return market;
}

function trade(instrument: string, time: number): TradeEvent {
  const rest = { id: `${time}`, price: "1", size: "1", side: "buy", received: null, snapshot: false } as const;
  return { type: "trade", instrument, time, ...rest };
}

/** All that it tells of a range, and from when on that is everything; asked again as long as it does not answer. */
async function ask(client: HistoryClient, market: Market): Promise<{ trades: readonly TradeEvent[]; from: number }> {
  for (;;) {
    try {
      return await askOnce(client, market);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }
}

async function askOnce(
  client: HistoryClient,
  market: Market,
): Promise<{ trades: readonly TradeEvent[]; from: number }> {
  const trades: TradeEvent[] = [];
  const pages = client.pages(market, STRETCH);
  for (let page = await pages.next(); ; page = await pages.next()) {
    if (page.done) return { trades, from: page.value };
    trades.push(...page.value);
  }
}

describe("a history's client", () => {
  let server: Server;
  /** The paths asked for, and when. */
  let asked: { readonly path: string; readonly at: number }[];
  let bodies: RawFrame[];
  let stop: AbortController;
  /** Called when it says that it will ask again. */
  let onFailure: () => void;
  /** Answers one request; the body of a page is a list of times. */
  let answer: (path: string, response: ServerResponse) => void;

  beforeEach(async () => {
    [asked, bodies, stop, onFailure] = [[], [], new AbortController(), () => undefined];
    answer = (_path, response) => response.end("[]");
    server = createServer((request, response) => {
      const path = request.url ?? "";
      asked.push({ path, at: Date.now() });
      answer(path, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => {
    stop.abort();
    server.closeAllConnections();
    server.close();
  });

  /** Asks for the pages `/SYMBOL/0`, `/SYMBOL/1`, … up to an empty one. */
  async function* pages({ nativeSymbol, instrument }: Market, get: (path: string) => Promise<string>) {
    for (let page = 0; ; page += 1) {
      const body = await get(`/${nativeSymbol}/${page}`);
      if (!body.startsWith("[")) throw new FrameError(`no list: ${body}`);
      const times: number[] = JSON.parse(body);
      if (times.length === 0) return 0;
      yield times.map((time) => trade(instrument, time));
    }
  }
  const restUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  function client(fields: Partial<History> = {}, bans = new Bans()): HistoryClient {
    const history: History = {
      requests: { count: 100, per: 1000 },
      order: "newest-first",
      sameIds: true,
      trades: (market, _stretch, get) => pages(market, get),
      read: () => [],
      ...fields,
    };
    const onBody = (raw: RawFrame) => void bodies.push(raw);
    const logger = pino({ level: "info" }, { write: () => onFailure() });
    return new HistoryClient({ history, restUrl: restUrl(), onBody, logger, bans, signal: stop.signal });
  }
  /** Answers the first requests with these, `status body`, and the others with an empty page. */
  function answers(
    ...first: readonly (readonly [status: number, body: string, headers?: Record<string, string>])[]
  ): void {
    const left = [...first];
    answer = (_path, response) => {
      const [status, body, headers] = left.shift() ?? [200, "[]"];
      response.writeHead(status, headers).end(body);
    };
  }
  const paths = () => asked.map(({ path }) => path);
  const times = (trades: readonly TradeEvent[]) => trades.map(({ time }) => time);

  it("tells all trades of all pages as they came, and when they came", async () => {
    answers([200, "[30,31]"], [200, "[20]"], [200, "[25,10]"]);
    const before = Date.now();
    const { trades, from } = await ask(client(), BTC);
    expect([times(trades), from]).toEqual([[30, 31, 20, 25, 10], 0]);
    for (const { received } of trades) {
      expect(received).toBeGreaterThanOrEqual(before);
      expect(received).toBeLessThanOrEqual(Date.now());
    }
  });

  it("hands every body on, byte for byte, with what was asked about what", async () => {
    answers([200, "[1,\n 2]"], [200, '"한글"']);
    await expect(ask(client(), BTC)).rejects.toThrow(FrameError);
    // What can't be read is worth keeping most of all.
    expect(bodies.map(({ bytes, rest }) => [bytes.toString(), rest])).toEqual([
      ["[1,\n 2]", { instrument: BTC.instrument, path: "/KRW-BTC/0" }],
      ['"한글"', { instrument: BTC.instrument, path: "/KRW-BTC/1" }],
    ]);
    // One order for all of them.
    expect(new Set(bodies.map(({ connection }) => connection)).size).toBe(1);
  });

  it("asks again when the exchange fails, page by page, and tells nothing twice", async () => {
    answers([200, "[3]"], [500, "no"], [503, "no"], [200, "[2]"]);
    const { trades } = await ask(client(), BTC);
    expect(times(trades)).toEqual([3, 2]);
    expect(paths()).toEqual(["/KRW-BTC/0", ...Array(3).fill("/KRW-BTC/1"), "/KRW-BTC/2"]);
    expect(bodies.length).toBe(3);
  });

  it("does not insist where nothing was told yet: others wait", async () => {
    answers([500, "no"], [200, "[3]"]);
    await expect(askOnce(client(), BTC)).rejects.toThrow(UnavailableError);
    expect(paths()).toEqual(["/KRW-BTC/0"]);
  });

  it("gives up for now after five attempts at a later page", async () => {
    answers([200, "[3]"], ...Array(5).fill([500, "no"]));
    await expect(askOnce(client(), BTC)).rejects.toThrow("/KRW-BTC/1 answered 500 no");
    expect(paths().length).toBe(6);
  }, 30_000);

  it.each([200, 503])(
    "takes a page for people, with status %i, for no answer, and keeps none of it",
    async (status) => {
      answers([status, "<html>Back soon</html>"], [200, "[3]"]);
      const one = client();
      await expect(askOnce(one, BTC)).rejects.toThrow(UnavailableError);
      expect([times((await ask(one, BTC)).trades), bodies.length]).toEqual([[3], 2]);
    },
  );

  it.each([400, 404, 410])(
    "takes a page with status %i for what can't be read: it is no word of the exchange's",
    async (status) => {
      answers([status, "<html>Not here</html>"]);
      await expect(askOnce(client(), BTC)).rejects.toThrow(FrameError);
      expect([asked.length, bodies.length]).toEqual([1, 0]);
    },
  );

  it.each([429, 418, 503])(
    "knows of a ban that others have heard of, and tells them of its own: %i",
    async (status) => {
      const bans = new Bans();
      const one = client({}, bans);
      const banned = { "Retry-After": "0.4" };
      const begun = Date.now();
      bans.record(restUrl(), { status, header: () => "0.4" });
      await ask(one, BTC);
      expect(Date.now() - begun).toBeGreaterThanOrEqual(400 - SLACK);
      answers([status, "slowly", banned]);
      await expect(askOnce(one, BTC)).rejects.toThrow(UnavailableError);
      expect(bans.until(restUrl())).toBeGreaterThan(Date.now() + 200);
    },
  );

  it("asks again when the connection breaks, also in the middle of an answer", async () => {
    let count = 0;
    answer = (_path, response) => {
      count += 1;
      if (count === 1) response.destroy();
      else if (count === 2) response.writeHead(200, { "Content-Length": 100 }).write("[1", () => response.destroy());
      else response.end("[]");
    };
    await ask(client(), BTC);
    expect([count, bodies.map(({ bytes }) => bytes.toString())]).toEqual([3, ["[]"]]);
  });

  it.each([400, 404, 410])("does not ask again what is answered with %i", async (status) => {
    answers([status, '{"error":"no such market"}']);
    const asking = ask(client(), BTC);
    await expect(asking).rejects.toThrow(HistoryError);
    await expect(asking).rejects.toThrow(`/KRW-BTC/0 answered ${status} {"error":"no such market"}`);
    expect([asked.length, bodies.length]).toEqual([1, 0]);
  });

  it.each([429, 418])("asks nothing of anybody for as long as %i says, then goes on", async (status) => {
    answers([status, "slowly", { "Retry-After": "0.7" }]);
    const one = client();
    const failed = new Promise<void>((resolve) => {
      onFailure = resolve;
    });
    const first = ask(one, BTC);
    await failed;
    const quiet = asked[0]?.at ?? 0;
    const second = ask(one, ETH);
    await Promise.all([first, second]);
    expect(paths().toSorted()).toEqual(["/KRW-BTC/0", "/KRW-BTC/0", "/KRW-ETH/0"]);
    for (const { at } of asked.slice(1)) expect(at - quiet).toBeGreaterThanOrEqual(700 - SLACK);
    expect(bodies.length).toBe(2);
  });

  it("asks nothing of anybody who has waited for a turn when 429 comes", async () => {
    answers([429, "slowly", { "Retry-After": "1" }]);
    const one = client({ requests: { count: 1, per: 150 } });
    await Promise.all([BTC, ETH].map((market) => ask(one, market)));
    const [first, second] = asked.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(1000 - SLACK);
  });

  it("keeps to the exchange's limit, whoever asks", async () => {
    const one = client({ requests: { count: 2, per: 400 } });
    await Promise.all(Array.from({ length: 6 }, () => ask(one, BTC)));
    for (const { at } of asked) {
      // The first ones take longest on their way: they have to connect.
      expect(asked.filter((other) => other.at >= at && other.at < at + 250).length).toBeLessThanOrEqual(2);
    }
    expect(asked.length).toBe(6);
  });

  describe("that is stopped", () => {
    it("ends while it waits for an answer", async () => {
      answer = () => undefined;
      const asking = ask(client(), BTC);
      await until(() => asked.length === 1);
      stop.abort();
      await expect(asking).rejects.toThrow("abort");
      expect(bodies).toEqual([]);
    });

    it("ends while nobody may ask", async () => {
      answers([429, "slowly", { "Retry-After": "60" }]);
      const one = client();
      const failed = new Promise<void>((resolve) => {
        onFailure = resolve;
      });
      const first = expect(ask(one, BTC)).rejects.toThrow("abort");
      await failed;
      const second = expect(ask(one, ETH)).rejects.toThrow("abort");
      stop.abort();
      await Promise.all([first, second]);
      expect(asked.length).toBe(1);
    });

    it("asks no more where it would have asked again", async () => {
      answer = (_path, response) => response.writeHead(500).end();
      onFailure = () => stop.abort();
      const asking = ask(client(), BTC);
      await expect(asking).rejects.toThrow("abort");
      expect(asked.length).toBe(1);
    });

    it("asks nothing at all from then on", async () => {
      stop.abort();
      await expect(ask(client(), BTC)).rejects.toThrow("abort");
      expect(asked).toEqual([]);
    });
  });
});
