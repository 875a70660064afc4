import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { z } from "zod";
import type { Market } from "../protocol/ingest.ts";
import { healthBody, type Mode, marketsBody, restTicker } from "../protocol/rest.ts";

const POLL_MS = 100;
/** A busy machine takes its time, and each question that is given up is one more to answer, ms. */
const REQUEST_TIMEOUT_MS = 30_000;
const frame = z.looseObject({ op: z.string() });

/** What to wait for. */
export interface FirstPriceOptions {
  /** Of the Worker. */
  url: string;
  exchange: string;
  /** ms: a price that was collected earlier does not count. */
  since: number;
  mode: Mode;
  signal: AbortSignal;
  /** Called at each step with what is waited for. */
  onWaiting: (what: string) => void;
}

/**
 * Waits until a price has come out of the far end over both transports, as a client sees it, and health is `ok`.
 *
 * @returns the instrument
 * @throws the signal's reason
 */
export async function firstPrice({
  url,
  exchange,
  since,
  mode,
  signal,
  onWaiting,
}: FirstPriceOptions): Promise<string> {
  onWaiting(`the markets of ${exchange}`);
  const market = await until(signal, async () => {
    const { markets } = await get(`${url}/v1/markets?exchange=${exchange}`, marketsBody);
    return busiest(markets);
  });
  const { instrument, base, quote } = market;
  const path = `${exchange}/${encodeURIComponent(`${base}-${quote}`)}`;
  onWaiting(`an item of ${instrument} on its WebSocket`);
  const stream = `${url.replace(/^http/, "ws")}/v1/stream/${path}?channel=ticker&rate=raw`;
  const socket = await until(signal, () => listen(stream, signal));
  try {
    onWaiting(`a new price of ${instrument}`);
    await until(signal, async () => {
      const { ticker, t } = await get(`${url}/v1/tickers/${path}`, restTicker);
      return ticker !== null && (t?.received ?? 0) >= since;
    });
    onWaiting(`health to say that ${exchange} is live and the mode ${mode}`);
    await until(signal, async () => {
      const health = await get(`${url}/v1/health`, healthBody);
      return health.mode === mode && health.components.exchanges[exchange]?.state === "live";
    });
    return instrument;
  } finally {
    socket.terminate();
  }
}

function busiest(markets: readonly Market[]): Market | undefined {
  return (
    markets.find(({ base, quote }) => base === "BTC" && quote === "KRW") ??
    markets.find(({ base }) => base === "BTC") ??
    markets[0]
  );
}

/** A socket that has had its first item; while it is open the feed has a listener, so it is not idle. */
async function listen(address: string, signal: AbortSignal): Promise<WebSocket> {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on("message", (text) => {
        if (frame.parse(JSON.parse(String(text))).op === "data") resolve();
      });
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("closed")));
      signal.addEventListener("abort", reject, { once: true });
    });
    return socket;
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

/** Asks again and again until there is something; what fails meanwhile is what starting up looks like from outside. */
async function until<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<Exclude<T, undefined | false>> {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    signal.throwIfAborted();
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function get<T extends z.ZodType>(url: string, schema: T): Promise<z.infer<T>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  return schema.parse(await response.json());
}
