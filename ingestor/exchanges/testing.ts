/** What tests of several exchanges need. */

import { createServer } from "node:http";
import { onTestFinished } from "vitest";
import type { TradeEvent } from "../../protocol/events.ts";
import type { Market } from "../../protocol/ingest.ts";
import { FrameError, type History, type Parse, type ParsedEvent, type TimeRange } from "./exchange.ts";

/** What a history made of a scripted exchange. */
export interface Heard {
  /** The paths that it asked for, in their order. */
  readonly asked: readonly string[];
  readonly trades: readonly TradeEvent[];
  /** From when on (ms) it is complete, by its own word. */
  readonly from: number;
}

/** Runs a history to its end; what it asks is answered with these bodies, one after the other. */
export async function hear(
  history: History,
  market: Pick<Market, "instrument" | "nativeSymbol">,
  range: Partial<TimeRange>,
  bodies: readonly (string | (() => string))[],
): Promise<Heard> {
  const asked: string[] = [];
  const trades: TradeEvent[] = [];
  const get = async (path: string) => {
    const body = bodies[asked.length];
    asked.push(path);
    if (body === undefined) throw new Error(`nothing was scripted for ${asked.join(", ")}`);
    return typeof body === "string" ? body : body();
  };
  const [exchange = "", base = "", quote = ""] = market.instrument.split(/[:-]/);
  const whole = { ...market, exchange, base, quote, names: { ko: null, en: null }, status: null, warning: null };
  const pages = history.trades(whole, { since: 0, until: 0, lastId: null, ...range }, get);
  for (;;) {
    const page = await pages.next();
    if (page.done) return { asked, trades, from: page.value };
    trades.push(...page.value);
  }
}

/** A server that answers this path alone, with the JSON of `body`, until the test is over. @returns its address */
export async function serve(path: string, status: number, body: unknown): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === path ? status : 404);
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}

/** The events that a parser makes of a frame. */
export function eventsOf(parse: Parse, frame: string, received: number | null = null): readonly ParsedEvent[] {
  const parsed = parse(frame, received);
  return parsed.kind === "events" ? parsed.events : [];
}

/** The error with which a parser refuses a frame. @throws when it does not */
export function frameErrorOf(parse: Parse, frame: string): FrameError {
  try {
    parse(frame, null);
  } catch (error) {
    if (error instanceof FrameError) return error;
    throw error;
  }
  throw new Error(`was taken: ${frame}`);
}
