import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { wholeNumber } from "../protocol/whole-number.ts";
import { whyRefused } from "./control-guard.ts";
import { faultSchema } from "./faults.ts";
import { scaled } from "./scaled.ts";
import type { Simulator } from "./simulator.ts";

/** Where the control surface lives, outside all paths of an exchange. */
export const CONTROL_PATH = "/_sim";

const page = z.object({
  after: wholeNumber.default(0),
  limit: wholeNumber.pipe(z.number().min(1).max(10_000)).default(1_000),
});
const rate = z.strictObject({ rate: z.number() });
const execute = z.strictObject({
  market: z.string().optional(),
  count: z.int().min(1).max(10_000).default(1),
});
const market = z.discriminatedUnion("action", [
  z.strictObject({
    action: z.literal("list"),
    market: z.string().regex(/^[A-Z]+-[A-Z0-9]+$/, { error: "quote first, such as KRW-NEW, for every exchange" }),
    price: z.string(),
    korean_name: z.string().optional(),
    english_name: z.string().optional(),
  }),
  z.strictObject({ action: z.enum(["delist", "close", "open"]), market: z.string() }),
]);

/** Answers a request under `/_sim`: 200 with JSON, 400 when it asks for what cannot be, 403 for another's page, 404 for an unknown path. */
export async function control(sim: Simulator, request: IncomingMessage, response: ServerResponse, url: URL) {
  const answer = (status: number, body: unknown) =>
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  const refused = whyRefused(request, URL.parse(sim.controlUrl)?.hostname ?? "");
  if (refused !== undefined) {
    answer(403, { error: refused });
    return;
  }
  try {
    const body: unknown = request.method === "POST" ? JSON.parse((await text(request)) || "{}") : {};
    const result = act(sim, `${request.method} ${url.pathname.slice(CONTROL_PATH.length)}`, url.searchParams, body);
    if (result === undefined) answer(404, { error: `no ${request.method} ${url.pathname}` });
    else answer(200, result);
  } catch (cause) {
    const asked = cause instanceof z.ZodError || cause instanceof RangeError || cause instanceof SyntaxError;
    if (!asked) throw cause;
    answer(400, { error: cause instanceof z.ZodError ? z.prettifyError(cause) : cause.message });
  }
}

function act(sim: Simulator, action: string, query: URLSearchParams, body: unknown): unknown {
  switch (action) {
    case "GET ":
    case "GET /":
      return sim.state();
    case "GET /executed": {
      const { after, limit } = page.parse(Object.fromEntries(query));
      return sim.executed(after, limit);
    }
    case "POST /rate":
      sim.pace.setRate(rate.parse(body).rate);
      return sim.state();
    case "POST /pause":
      sim.pace.pause();
      return sim.state();
    case "POST /resume":
      sim.pace.resume();
      return sim.state();
    case "POST /execute": {
      const { market: code, count } = execute.parse(body);
      const after = sim.engine.log.head;
      for (let made = 0; made < count; made += 1) sim.engine.execute(code);
      return sim.executed(after, count);
    }
    case "POST /market":
      changeMarket(sim, market.parse(body));
      return sim.state();
    case "POST /fault":
      return { touched: sim.faults.inject(faultSchema.parse(body)), ...sim.state() };
    default:
      return undefined;
  }
}

function changeMarket(sim: Simulator, change: z.output<typeof market>): void {
  const code = change.market;
  if (change.action === "list") {
    const base = code.slice(code.indexOf("-") + 1);
    const { korean_name: koreanName = base, english_name: englishName = base } = change;
    sim.engine.list({ code, koreanName, englishName, price: scaled(change.price) });
  } else if (change.action === "delist") sim.delist(code);
  else sim.engine.setOpen(code, change.action === "open");
}
