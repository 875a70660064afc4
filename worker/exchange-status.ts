/** What the registry's reports say of each exchange at this moment. */

import type { z } from "zod";
import type { Directory } from "../durable-objects/registry/directory.ts";
import { REPORT_LIFE } from "../durable-objects/registry/registry.ts";
import type { exchangeStatus } from "../protocol/rest.ts";

export type ExchangeStatus = z.infer<typeof exchangeStatus>;

/** @param now ms; a report older than a few periods means that nobody collects */
export function exchangeStatuses(directory: Directory, now: number): ExchangeStatus[] {
  return directory.exchanges.map((exchange): ExchangeStatus => {
    const report = Object.hasOwn(directory.reports, exchange) ? directory.reports[exchange] : undefined;
    const markets = directory.count(exchange);
    if (report === undefined) {
      const detail = "no ingestor has reported since the registry started";
      return { exchange, state: "down", source: "live", since: now, asOf: null, detail, markets, lastEventTime: null };
    }
    const { status, lastEventTime, at } = report;
    if (now - at <= REPORT_LIFE) {
      const details = [status.detail, directory.leftOut(exchange)].filter((one) => one !== undefined);
      return { exchange, ...status, ...(details.length > 0 && { detail: details.join("; ") }), markets, lastEventTime };
    }
    const detail = `no report from an ingestor for ${Math.round((now - at) / 1000)} s`;
    return { exchange, ...status, state: "down", since: at, detail, markets, lastEventTime };
  });
}
