/** What the ingestor of a test's stack says at `/metrics`, by name and labels. It must have been started with `METRICS_PORT: "0"`. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestStack } from "./stack.ts";

/** @returns values by `name{label="value",…}`, as Prometheus' text has it */
export async function metricsOf(stack: TestStack): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${await metricsPort(stack)}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

/** That of the ingestor which was started last, as it logged it. */
async function metricsPort({ logDir }: TestStack): Promise<number> {
  const log = await readFile(join(logDir, "ingestor.log"), "utf8");
  const line = log.split("\n").findLast((one) => one.includes("metrics are served"));
  const { address } = JSON.parse(line ?? "{}") as { address?: { port: number } };
  if (address === undefined) throw new Error("the ingestor serves no metrics");
  return address.port;
}
