import type { Simulator } from "../simulator.ts";

/** The ids of KRW-BTC's trades in the REST history, newest first. @param query what is added to the market, such as `&count=5` */
export async function tickIds({ restUrl }: Simulator, query: string): Promise<string[]> {
  const text = await (await fetch(`${restUrl}/v1/trades/ticks?market=KRW-BTC${query}`)).text();
  return [...text.matchAll(/"sequential_id":(\d{17})\}/g)].map((match) => match[1] ?? "");
}
