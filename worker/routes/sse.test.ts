import { env, evictDurableObject, SELF } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { servePartition } from "../../durable-objects/testing/partition-publisher.ts";
import { ticker, trade } from "../../durable-objects/testing/test-events.ts";
import { multiServerFrame } from "../../protocol/multi-stream-frames.ts";
import { EventReader } from "../../protocol/testing/event-reader.ts";
import { expectProblem, get, HOST } from "../testing/requests.ts";

type World = Awaited<ReturnType<typeof servePartition>>;
type Frame = ReturnType<typeof multiServerFrame.parse>;

/** A reader of `/v1/sse`, that reads when it is asked to. */
class Reader {
  readonly response: Response;
  readonly events = new EventReader((text) => this.#unread.push(multiServerFrame.parse(JSON.parse(text))));
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #unread: Frame[] = [];

  constructor(response: Response) {
    if (response.body === null) throw new Error(`no body: ${response.status}`);
    this.response = response;
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    readers.push(this);
  }

  /** The next frame of that kind; those before it are passed over. */
  async next<O extends Frame["op"]>(op: O): Promise<Extract<Frame, { op: O }>> {
    for (;;) {
      const frame = this.#unread.shift();
      if (frame?.op === op) return frame as Extract<Frame, { op: O }>;
      if (frame === undefined && !(await this.#read())) throw new Error(`no ${op} came`);
    }
  }

  /** The seqs of the next so many trades. Within a frame, one stream comes after the other. */
  async seqs(count: number): Promise<number[]> {
    const seqs: number[] = [];
    while (seqs.length < count) {
      const { data } = await this.next("data");
      seqs.push(...data.flatMap(({ trades = [], snapshot }) => (snapshot ? [] : trades.map(({ seq }) => seq))));
    }
    return seqs.toSorted((a, b) => a - b);
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    if (value !== undefined) this.events.take(value);
    return !done;
  }
}

let readers: Reader[] = [];
/** One for each test that needs it: the relay that all share has to know them when it starts. */
const worlds: World[] = [];
beforeAll(async () => {
  for (const letter of "abcde") worlds.push(await servePartition(`sse${letter}`));
});
afterEach(async () => {
  await Promise.all(readers.map((reader) => reader.leave()));
  readers = [];
});

function newWorld(): World {
  const world = worlds.pop();
  if (world === undefined) throw new Error("there are no more worlds");
  return world;
}

async function read(query: string, headers = {}): Promise<Reader> {
  const response = await get(`/v1/sse?${query}`, headers);
  if (response.status !== 200) throw new Error(await response.text());
  return new Reader(response);
}

describe("/v1/sse", () => {
  // Before any link is open, with which an object can't be evicted.
  it("says why when the relay starts anew, and ends", async () => {
    const reader = await read("streams=nowhere:BTC-KRW@trade");
    expect((await reader.next("subscribed")).failed).toMatchObject([{ error: { code: "unknown_instrument" } }]);
    await evictDurableObject(env.FANOUT_RELAY.getByName("local-0"));
    // Nothing that a reader does wakes it.
    await read("streams=nowhere:BTC-KRW@trade");
    expect(await reader.next("error")).toMatchObject({ code: "restarting", retryable: true });
    await expect(reader.next("error")).rejects.toThrow("no error came");
  });

  it("gives every item as an event of its own, and with the last one of a frame all positions", async () => {
    const { exchange, btc, eth, publisher } = newWorld();
    const reader = await read(`streams=${exchange}:*-KRW@trade@100ms,${btc}@ticker`);
    expect(Object.fromEntries(reader.response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "access-control-allow-origin": "*",
    });
    await reader.next("welcome");
    expect(reader.events.retry).toBeGreaterThanOrEqual(2000);
    await publisher.socket.next("cadence");
    await publisher.begin();
    expect(await reader.next("subscribed")).toMatchObject({ failed: [], positions: { [publisher.epoch]: 2 } });
    publisher.push([trade(5, btc), trade(6, eth), ticker(7, btc)]);
    const items = [];
    while (items.length < 3)
      items.push(...(await reader.next("data")).data.map(({ stream, seq }) => `${stream} ${seq}`));
    expect(items).toEqual([`${btc}@trade@100ms 5`, `${eth}@trade@100ms 6`, `${btc}@ticker@100ms 7`]);
    expect(reader.events.lastEventId).toBe(`${publisher.epoch}:7`);
  });

  it("takes a filter as /v1/stream does", async () => {
    const { exchange, btc, publisher } = newWorld();
    const reader = await read(`exchange=${exchange}&base=BTC&quote=KRW&channel=ticker`);
    await publisher.socket.next("cadence");
    await publisher.begin();
    expect((await reader.next("subscribed")).streams).toMatchObject([{ stream: `${btc}@ticker@100ms` }]);
    expect(reader.events.lastEventId).toBe("");
  });

  it.each(["header", "query"])("goes on from the last id in the %s: nothing lost, nothing twice", async (where) => {
    const { exchange, btc, eth, publisher } = newWorld();
    const streams = `streams=${exchange}:*-*@trade@raw`;
    const first = await read(streams);
    await publisher.socket.next("cadence");
    await publisher.begin();
    await first.next("subscribed");
    publisher.push([trade(5, btc), trade(6, eth), trade(9, btc)]);
    expect(await first.seqs(3)).toEqual([5, 6, 9]);
    const { lastEventId } = first.events;
    expect(lastEventId).toBe(`${publisher.epoch}:9`);
    // Another reader keeps the feed awake; the first one comes back after what it has missed.
    const stays = await read(streams);
    await stays.next("subscribed");
    await first.leave();
    publisher.push([trade(12, eth), trade(13, btc)]);
    expect(await stays.seqs(2)).toEqual([12, 13]);
    const back = await (where === "header"
      ? read(`${streams}&last_event_id=${publisher.epoch}:5`, { "Last-Event-ID": lastEventId })
      : read(`${streams}&last_event_id=${encodeURIComponent(lastEventId)}`));
    await publisher.answerReplay();
    expect(await back.next("subscribed")).toMatchObject({
      streams: [{ recovered: { [publisher.epoch]: true } }],
      positions: { [publisher.epoch]: 9 },
    });
    publisher.push([trade(15, btc)]);
    expect(await back.seqs(3)).toEqual([12, 13, 15]);
    expect(back.events.lastEventId).toBe(`${publisher.epoch}:15`);
  });

  it("leaves the relay when the reader has gone", async () => {
    const { btc, publisher } = newWorld();
    const reader = await read(`streams=${btc}@trade@raw`);
    expect((await publisher.socket.next("cadence")).rates).toEqual(["raw"]);
    await publisher.begin();
    await reader.next("subscribed");
    await reader.leave();
    expect((await publisher.socket.next("cadence")).rates).toEqual([]);
  });

  it.each([
    ["", "bad_request", "no streams"],
    ["channel=trade&base=", "bad_request", '"base" is empty'],
    ["streams=", "bad_request", '"streams" is empty'],
    ["streams=a&channel=trade", "bad_request", "can't stand beside"],
    ["streams=a&rates=1s", "bad_request", '"rates"'],
    ["streams=a&streams=b", "bad_request", '"streams"'],
    ["streams=a&last_event_id=5", "bad_request", '"5" is not a position'],
    [`streams=${"a,".repeat(201)}`, "too_many_streams", "201 streams"],
  ])("refuses ?%s", async (query, code, detail) => {
    await expectProblem(await get(`/v1/sse?${query}`), 400, code, detail);
  });

  it("does not refuse a browser for a header that it can't take out, but says so, and takes the query's position", async () => {
    const reader = await read("streams=nowhere:BTC-KRW@trade&last_event_id=k-0:5", { "Last-Event-ID": "41" });
    expect(await reader.next("error")).toMatchObject({ code: "bad_request", message: expect.stringContaining('"41"') });
    await reader.next("subscribed");
  });

  it("answers HEAD without a connection", async () => {
    const response = await SELF.fetch(`${HOST}/v1/sse?streams=nowhere:BTC-KRW@trade`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("Content-Type")).toBe("text/event-stream; charset=utf-8");
  });
});
