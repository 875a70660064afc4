/** Items for people. */

import type { DataItem } from "../protocol/frames.ts";

/** An item as lines: one for a ticker or a gap, one for each trade. Times are UTC. */
export function describe(item: DataItem): string[] {
  const { instrument, ticker, trades, gap, seq } = item;
  const mark = item.source === undefined ? "" : ` (${item.source})`;
  if (gap !== undefined) {
    return [`${clock(gap.until)} ${instrument} gap ${gap.state}: ${gap.cause} since ${clock(gap.since)}${mark}`];
  }
  if (ticker !== undefined) {
    const change = ticker.changePct === null ? "" : ` ${ticker.changePct} %`;
    return [`${clock(ticker.time)} ${instrument} ${ticker.price}${change} seq ${seq}${mark}`];
  }
  return (trades ?? []).map(({ time, side, size, price, id, late }) => {
    const name = id === null ? "" : ` #${id}`;
    const how = item.snapshot ? " (newest so far)" : late ? " (late)" : "";
    return `${clock(time)} ${instrument} ${side.padEnd(4)} ${size} @ ${price}${name}${how}${mark}`;
  });
}

function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 23);
}
