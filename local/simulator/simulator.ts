import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CONTROL_PATH, control } from "./control.ts";
import { type EngineOptions, MarketEngine, type Trade } from "./engine.ts";
import { type FaultCounts, Faults } from "./faults.ts";
import { type GateCounts, OutputGate } from "./gate.ts";
import type { Side } from "./market.ts";
import { Pace } from "./pace.ts";
import { priceText, volumeText } from "./upbit/frames.ts";
import { UpbitRest } from "./upbit/rest.ts";
import { UPBIT_SETTINGS, type UpbitSettings } from "./upbit/settings.ts";
import { refuse, UpbitSockets, WEBSOCKET_PATH } from "./upbit/sockets.ts";

/** Enough to look alive on a laptop: some forty trades a second in the busiest market, one in two seconds in the quietest. */
export const DEFAULT_RATE = 200;

export interface SimulatorOptions extends EngineOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly host?: string;
  /** Trades per second over all markets. */
  readonly rate?: number;
  /** Start without trading, until `pace.resume()` or `engine.execute()`. */
  readonly paused?: boolean;
  /** What differs from Upbit's own limits and times. */
  readonly upbit?: Partial<UpbitSettings>;
}

/** An executed trade as text; price and volume are spelled exactly as its trade frame spells them. */
export interface Executed {
  readonly seq: number;
  readonly market: string;
  readonly id: string;
  readonly price: string;
  readonly volume: string;
  readonly side: Side;
  readonly timestamp: number;
  /** To how many sockets its live trade frame was handed; snapshots and repeats do not count. */
  readonly sentTo: number;
}

/** A part of the executed trades; `next` is the `after` of the next part, `oldest` the first still kept. */
export interface ExecutedPage {
  readonly trades: readonly Executed[];
  readonly next: number;
  readonly head: number;
  readonly oldest: number;
}

export interface SimulatorState {
  readonly rate: number;
  readonly paused: boolean;
  readonly silent: boolean;
  readonly holding: boolean;
  readonly refusing: boolean;
  readonly sockets: number;
  readonly markets: number;
  /** How many trades were executed; the `seq` of the newest. */
  readonly head: number;
  readonly frames: GateCounts;
  readonly faults: FaultCounts;
}

export interface Simulator {
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly controlUrl: string;
  readonly engine: MarketEngine;
  readonly pace: Pace;
  readonly faults: Faults;
  /** Up to `limit` executed trades after `seq`, oldest first. */
  executed(after?: number, limit?: number): ExecutedPage;
  /** Takes a market off the list and tells those who watch its ticker. @throws {RangeError} when it is not listed */
  delist(market: string): void;
  state(): SimulatorState;
  /** Cuts all sockets and frees the port. */
  stop(): Promise<void>;
}

/** Starts an exchange that speaks Upbit's public API, trading by itself; resolves when it listens. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = { ...UPBIT_SETTINGS, ...options.upbit };
  const engine = new MarketEngine(options);
  const gate = new OutputGate();
  const sockets = new UpbitSockets(engine, gate, settings);
  const rest = new UpbitRest(engine, settings, options.now ?? Date.now);
  const faults = new Faults(engine, gate, sockets);
  const pace = new Pace(() => engine.execute(), options.rate ?? DEFAULT_RATE);
  const server = createServer();
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const bound = server.address();
  const address = `${host}:${typeof bound === "object" ? bound?.port : bound}`;

  const simulator: Simulator = {
    wsUrl: `ws://${address}${WEBSOCKET_PATH}`,
    restUrl: `http://${address}`,
    controlUrl: `http://${address}${CONTROL_PATH}`,
    engine,
    pace,
    faults,
    executed: (after = 0, limit = 1_000) => executedPage(engine, after, limit),
    delist: (market) => {
      sockets.announceDelisted(engine.delist(market).statistics.ticker);
    },
    state: () => ({
      rate: pace.rate,
      paused: pace.paused,
      silent: gate.silent,
      holding: gate.holding,
      refusing: faults.refusing,
      sockets: sockets.size,
      markets: engine.markets.length,
      head: engine.log.head,
      frames: gate.counts,
      faults: faults.counts,
    }),
    stop: async () => {
      pace.pause();
      gate.close();
      sockets.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://simulator");
    if (!url.pathname.startsWith(CONTROL_PATH)) return rest.handle(request, response, url);
    control(simulator, request, response, url).catch((cause: unknown) => response.destroy(asError(cause)));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (new URL(request.url ?? "/", "http://simulator").pathname !== WEBSOCKET_PATH)
      return refuse(socket, "404 Not Found");
    if (!faults.refusing) return sockets.upgrade(request, socket, head);
    faults.counts.refusedConnections += 1;
    refuse(socket, "503 Service Unavailable");
  });
  if (!options.paused) pace.resume();
  return simulator;
}

function executedPage(engine: MarketEngine, after: number, limit: number): ExecutedPage {
  const trades = engine.log.after(after, limit);
  const { head, oldest } = engine.log;
  return { trades: trades.map(asExecuted), next: trades.at(-1)?.seq ?? Math.max(after, oldest - 1), head, oldest };
}

function asExecuted({ seq, market, id, price, volume, side, timestamp, sentTo }: Trade): Executed {
  const texts = { id: `${id}`, price: priceText(price), volume: volumeText(volume) };
  return { seq, market, ...texts, side, timestamp, sentTo };
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
