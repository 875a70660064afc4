import { z } from "zod";
import type { SimulatedExchange } from "../dialect.ts";
import { Refusal, timeOfDay, tradeRow, UpbitProtocolRest } from "../upbit-protocol/rest.ts";
import { number } from "./numbers.ts";
import type { BithumbSettings } from "./settings.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** History reaches back to the start of this many days before today. */
const DAYS = 7;

const whole = (from: number, to: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(from).max(to)).optional();
const ticksQuery = z.object({
  market: z.string(),
  count: whole(1, 500),
  daysAgo: whole(1, DAYS),
  to: z.string().transform(timeOfDay).pipe(z.number()).optional(),
  cursor: z
    .string()
    .regex(/^\d{1,19}$/)
    .transform(BigInt)
    .optional(),
});
const RULES: Record<string, string> = {
  market: "market is missing, such as market=KRW-BTC",
  count: "count is 1 … 500",
  daysAgo: `daysAgo is 1 … ${DAYS}`,
  to: "to is HH:mm:ss or HHmmss, in KST",
  cursor: "cursor is a sequential_id",
};

/** Bithumb's REST: a page of the history goes on into the days before. */
export class BithumbRest extends UpbitProtocolRest {
  constructor(exchange: SimulatedExchange, settings: BithumbSettings) {
    super(exchange, settings.requests);
  }

  protected limitHeaders() {
    return {
      "x-ratelimit-remaining": "149",
      "x-ratelimit-burst-capacity": "150",
      "x-ratelimit-replenish-rate": "150",
    };
  }

  protected marketList(query: URLSearchParams): object[] {
    const details = query.get("isDetails") === "true";
    return this.exchange.engine.markets.map(({ code, koreanName, englishName }) => {
      const entry = { market: code, korean_name: koreanName, english_name: englishName };
      return details ? { ...entry, market_warning: "NONE" } : entry;
    });
  }

  protected ticks(parameters: URLSearchParams): string[] {
    const { engine } = this.exchange;
    const query = ticksQuery.safeParse(Object.fromEntries(parameters));
    if (!query.success) throw new Refusal(400, RULES[String(query.error.issues[0]?.path[0])] ?? "wrong query");
    const { market, count = 1, cursor } = query.data;
    // Unlike the other errors this one calls itself a success.
    if (!engine.market(market)) throw new Refusal(404, "Code not found", 200);
    const oldest = this.#midnight(DAYS);
    const before = this.#before(query.data);
    const trades = engine.history(
      market,
      count,
      ({ timestamp, id }) => timestamp >= oldest && timestamp < before && (cursor === undefined || id < cursor),
    );
    return trades.map((trade) => tradeRow(trade, number, number));
  }

  /**
   * Rows are older than this, ms; they go on into the days before. A day without a time of day means its very beginning,
   * so that `daysAgo=1` alone shows nothing of yesterday.
   */
  #before({ daysAgo, to }: z.output<typeof ticksQuery>): number {
    if (daysAgo === undefined && to === undefined) return Number.POSITIVE_INFINITY;
    return this.#midnight(daysAgo ?? 0) + (to ?? 0);
  }

  /** The start of a day in Korea, ms. */
  #midnight(daysAgo: number): number {
    return (Math.floor((this.exchange.now() + 9 * HOUR) / DAY) - daysAgo) * DAY - 9 * HOUR;
  }
}
