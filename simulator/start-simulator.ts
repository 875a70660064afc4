import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CONTROL_PATH, control } from "./control.ts";
import type { Dialect, ExchangeServer } from "./dialect.ts";
import { type EngineOptions, MarketEngine } from "./engine.ts";
import { executedPage } from "./executed.ts";
import { Faults, type Outage } from "./faults.ts";
import { OutputGate } from "./gate.ts";
import { Pace } from "./pace.ts";
import { refuse } from "./refuse.ts";
import type { Simulator } from "./simulator.ts";
import { upbit } from "./upbit/dialect.ts";
import type { UpbitSettings } from "./upbit/settings.ts";

/** Enough to look alive on a laptop: some forty trades a second in the busiest market, one in two seconds in the quietest. */
export const DEFAULT_RATE = 200;

/** What to simulate, and how. */
export interface SimulatorOptions<Settings extends object = object> extends Omit<EngineOptions, "window"> {
  /** Which exchange to be; Upbit by default. */
  readonly dialect?: Dialect<Settings>;
  /** What differs from the exchange's own limits and times. */
  readonly settings?: Partial<NoInfer<Settings>>;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly host?: string;
  /** Trades per second over all markets. */
  readonly rate?: number;
  /** Start without trading, until `pace.resume()` or `engine.execute()`. */
  readonly paused?: boolean;
}

/** Starts an exchange that speaks one dialect's public API, trading by itself; resolves when it listens. */
export async function startSimulator<Settings extends object = UpbitSettings>(
  options: SimulatorOptions<Settings> = {},
): Promise<Simulator> {
  const dialect: Dialect = options.dialect ?? upbit;
  const engine = new MarketEngine({ listings: dialect.listings(), ...options, window: dialect.window });
  const gate = new OutputGate();
  const now = options.now ?? Date.now;
  const exchange = dialect.open({ engine, gate, now }, { ...dialect.settings, ...options.settings });
  const faults = new Faults(engine, gate, exchange);
  const pace = new Pace(() => engine.execute(), options.rate ?? DEFAULT_RATE);
  const server = createServer();
  const address = await listen(server, options);
  const simulator: Simulator = {
    exchange: dialect.name,
    wsUrl: `ws://${address}${dialect.webSocketPath}`,
    restUrl: `http://${address}`,
    controlUrl: `http://${address}${CONTROL_PATH}`,
    engine,
    pace,
    faults,
    executed: (after = 0, limit = 1_000) => executedPage(engine, dialect, after, limit),
    delist: (market) => {
      exchange.delisted(market, engine.delist(market).statistics.ticker);
    },
    state: () => ({
      rate: pace.rate,
      paused: pace.paused,
      silent: gate.silent,
      holding: gate.holding,
      refusing: faults.refusing,
      sockets: exchange.size,
      markets: engine.markets.length,
      head: engine.log.head,
      frames: gate.counts,
      faults: faults.counts,
    }),
    stop: async () => {
      pace.pause();
      gate.close();
      exchange.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  serve(server, simulator, { exchange, path: dialect.webSocketPath });
  if (!options.paused) pace.resume();
  return simulator;
}

/** Resolves with `host:port`. */
async function listen(server: Server, { port = 0, host = "127.0.0.1" }: SimulatorOptions): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  return `${host}:${typeof bound === "object" ? bound?.port : bound}`;
}

function serve(
  server: Server,
  simulator: Simulator,
  { exchange, path }: { exchange: ExchangeServer; path: string },
): void {
  const { faults } = simulator;
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://simulator");
    if (url.pathname.startsWith(CONTROL_PATH)) {
      control(simulator, request, response, url).catch((cause: unknown) => response.destroy(asError(cause)));
    } else if (faults.restOutage === undefined) exchange.handle(request, response, url);
    else {
      faults.counts[faults.ban === undefined ? "failedRequests" : "bannedRequests"] += 1;
      answer(response, faults.restOutage);
    }
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (new URL(request.url ?? "/", "http://simulator").pathname !== path) return refuse(socket, "404 Not Found");
    if (faults.ban !== undefined) {
      faults.counts.bannedConnections += 1;
      return refuse(socket, `${faults.ban.status} Banned`, faults.ban.retryAfter);
    }
    if (!faults.refusing) return exchange.upgrade(request, socket, head);
    faults.counts.refusedConnections += 1;
    refuse(socket, "503 Service Unavailable");
  });
}

function answer(response: ServerResponse, { status, retryAfter, page = "" }: Outage): void {
  if (retryAfter !== undefined) response.setHeader("Retry-After", retryAfter);
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8" }).end(page);
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
