import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { Collector } from "./collect/collector.ts";
import { type CollectorCounts, countsOf } from "./collect/counts.ts";
import { MarketList } from "./collect/markets/market-list.ts";
import { upbit } from "./exchanges/upbit/index.ts";
import { Leader, type Leadership } from "./leader-election/leader.ts";
import { MemoryLog } from "./log/memory.ts";
import { type Measured, metricsOf, serveMetrics } from "./metrics.ts";
import { EdgeClient } from "./push/edge-client.ts";
import { EdgeTotals } from "./push/edge-totals.ts";
import { Pusher } from "./push/pusher.ts";
import { RingMemory } from "./push/ring-memory.ts";

const logger = pino({ level: "silent" });
const NAMES: readonly (keyof CollectorCounts)[] = [
  ...(["frames", "events", "repeats", "badFrames", "reconnects", "rotations", "gaps", "healed", "lost"] as const),
  ...(["lateTrades", "markets", "connections", "openGaps", "oddRows", "refusedMarkets"] as const),
  "datedAhead",
];
/** 101, 102, … in the order of the names, so that none is taken for another. */
const COUNTS: CollectorCounts = { ...countsOf(undefined) };
for (const [index, name] of NAMES.entries()) COUNTS[name] = 101 + index;

class Counting extends Collector {
  readonly #counts: CollectorCounts;

  constructor(writer: MemoryLog, counts: CollectorCounts) {
    const { wsUrl, restUrl } = { wsUrl: "ws://nowhere", restUrl: "http://nowhere" };
    const list = new MarketList(upbit, restUrl, logger);
    const rest = { source: "simulated", term: 1, wanted: () => true, onStatus: () => undefined } as const;
    super({ exchange: upbit, wsUrl, restUrl, writer, list, logger, ...rest });
    this.#counts = counts;
  }
  override get status() {
    return { state: "live", source: "simulated", since: 1 } as const;
  }
  override get counts(): CollectorCounts {
    return this.#counts;
  }
}

class Leading extends Leader {
  ledNow: Leadership | undefined;

  constructor(led: Leadership | undefined) {
    const never = () => Promise.reject(new Error("not asked"));
    const make = () => {
      throw new Error("not asked");
    };
    super({ hold: never, release: never, holder: "us", make, logger });
    this.ledNow = led;
  }
  override get led(): Leadership | undefined {
    return this.ledNow;
  }
  override get term(): number {
    return this.ledNow?.writer.term ?? 0;
  }
}

class Log extends MemoryLog {
  readonly raw = { bytes: 204, omitted: 205, trouble: undefined };
  readonly refused = 206;
  override get term(): number {
    return 7;
  }
  override get bytes(): number {
    return 201;
  }
  override get lag(): number {
    return 202;
  }
  override get voided(): number {
    return 203;
  }
}

class Pushing extends Pusher {
  since: number | undefined = Date.now() - 90_000;

  override get bytes(): number {
    return 301;
  }
  override get parked(): number {
    return 302;
  }
  override get oldest(): number | undefined {
    return this.since;
  }
}

function pushing(reader: MemoryLog): Pushing {
  const edge = new EdgeClient({ url: "http://nowhere", token: "", source: "live" });
  const limits = { idleBatch: 1, memory: 1, parkBytes: 1, ringMemory: new RingMemory(1) };
  return new Pushing({
    exchange: "upbit",
    source: "simulated",
    reader,
    edge,
    logger,
    ...limits,
    totals: new EdgeTotals("upbit"),
  });
}

const edge = new EdgeTotals("upbit");

function ledBy(writer: MemoryLog, counts: CollectorCounts): Leadership {
  return { collector: new Counting(writer, counts), writer, end: async () => undefined };
}

/** Of one exchange, by what it is called. */
async function valuesOf(measured: readonly Measured[], exchange: string): Promise<Record<string, number>> {
  const text = await metricsOf(measured).metrics();
  const lines = text.matchAll(/^tickcast_(\w+)\{exchange="(\w+)"\} (.+)$/gm);
  return Object.fromEntries(
    [...lines].flatMap(([, name, of, value]) => (of === exchange ? [[name, Number(value)]] : [])),
  );
}

describe("metrics", () => {
  it("say what an exchange's collector, log and pusher do", async () => {
    const log = new Log();
    const leader = new Leading(ledBy(log, COUNTS));
    const values = await valuesOf([{ name: "upbit", leader, reader: log, pusher: pushing(log), edge }], "upbit");
    const { unacked_age_seconds: age, ...rest } = values;
    expect(rest).toEqual({
      frames_total: 101,
      events_total: 102,
      repeats_total: 103,
      bad_frames_total: 104,
      reconnects_total: 105,
      rotations_total: 106,
      gaps_total: 107,
      gaps_healed_total: 108,
      gaps_lost_total: 109,
      late_trades_total: 110,
      raw_omitted_total: 205,
      log_refused_total: 206,
      markets: 111,
      connections: 112,
      open_gaps: 113,
      odd_market_rows: 114,
      refused_markets: 115,
      dated_ahead_total: 116,
      leading: 1,
      live: 1,
      term: 7,
      log_queue_bytes: 201,
      raw_queue_bytes: 204,
      consumer_lag: 202,
      void_records: 203,
      send_queue_bytes: 301,
      parked_feeds: 302,
    });
    expect(age).toBeGreaterThanOrEqual(90);
    expect(age).toBeLessThan(150);
  });

  it("are zero where it stands by, or has another role", async () => {
    const standingBy: Measured = {
      name: "upbit",
      leader: new Leading(undefined),
      reader: undefined,
      pusher: undefined,
      edge,
    };
    const pushingOnly: Measured = {
      name: "korbit",
      leader: undefined,
      reader: undefined,
      pusher: pushing(new Log()),
      edge,
    };
    const standing = await valuesOf([standingBy, pushingOnly], "upbit");
    expect(Object.keys(standing).length).toBe(28);
    expect(new Set(Object.values(standing))).toEqual(new Set([0]));
    const others = await valuesOf([standingBy, pushingOnly], "korbit");
    expect(others).toMatchObject({ leading: 0, frames_total: 0, consumer_lag: 0, parked_feeds: 302 });
  });

  it("are those of now, whenever they are asked for, and not the sum of all times", async () => {
    const log = new Log();
    const leader = new Leading(ledBy(log, COUNTS));
    const pusher = pushing(log);
    const registry = metricsOf([{ name: "upbit", leader, reader: log, pusher, edge }]);
    await registry.metrics();
    const twice = await registry.metrics();
    expect(twice).toContain('tickcast_frames_total{exchange="upbit"} 101\n');
    leader.ledNow = undefined;
    pusher.since = undefined;
    const after = await registry.metrics();
    expect(after).toContain('tickcast_frames_total{exchange="upbit"} 0\n');
    expect(after).toContain('tickcast_leading{exchange="upbit"} 0\n');
    expect(after).toContain('tickcast_unacked_age_seconds{exchange="upbit"} 0\n');
  });

  it("say what they are, and how the process is", async () => {
    const text = await metricsOf([]).metrics();
    expect(text).toContain("# TYPE tickcast_frames_total counter\n");
    expect(text).toContain("# TYPE tickcast_open_gaps gauge\n");
    expect(text).toContain("# TYPE process_resident_memory_bytes gauge\n");
  });
});

describe("the server of metrics", () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  async function serve(measured: readonly Measured[]): Promise<string> {
    server = serveMetrics(measured, 0, logger);
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("tells them to whoever asks for them, and nothing else", async () => {
    const url = await serve([{ name: "upbit", leader: undefined, reader: undefined, pusher: undefined, edge }]);
    const response = await fetch(`${url}/metrics`);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      expect.stringContaining("text/plain"),
    ]);
    expect(await response.text()).toContain('tickcast_leading{exchange="upbit"} 0\n');
    for (const path of ["/", "/metrics/x"]) expect((await fetch(url + path)).status).toBe(404);
    const posted = await fetch(`${url}/metrics`, { method: "POST", body: "x" });
    expect([posted.status, await posted.text()]).toEqual([404, "there is GET /metrics\n"]);
  });

  it("says why it has no answer", async () => {
    class Broken extends Leading {
      override get led(): never {
        throw new Error("a fault");
      }
    }
    const url = await serve([
      { name: "upbit", leader: new Broken(undefined), reader: undefined, pusher: undefined, edge },
    ]);
    const response = await fetch(`${url}/metrics`);
    expect([response.status, await response.text()]).toEqual([500, "a fault\n"]);
  });

  it("leaves the ingestor alone when its port is taken", async () => {
    const url = await serve([]);
    const lines: string[] = [];
    const second = serveMetrics(
      [],
      Number(new URL(url).port),
      pino({}, { write: (line: string) => void lines.push(line) }),
    );
    await once(second, "error");
    expect(lines.join("")).toContain("metrics can't be served");
  });
});
