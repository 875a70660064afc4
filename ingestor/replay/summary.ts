/** What `npm run replay` prints of a comparison. */

import type { Comparison } from "./compare/comparison.ts";

/**
 * One line each.
 *
 * @param raw what was read again, for people
 * @param log what it was compared with
 */
export function summary(comparison: Comparison, raw: string, log: string): string[] {
  const { window, counts, trades, tickers, differences } = comparison;
  return [
    `${raw} against ${log}, received ${timeOf(window.from)} to ${timeOf(window.to)}`,
    `raw  ${counts.frames} frames, ${counts.bodies} bodies of the trade history: ${trades.counts.raw} trades, ${tickers.counts.raw} tickers`,
    `log  ${trades.counts.log} trades, ${tickers.counts.log} tickers`,
    ...unreadable(comparison),
    ...[...differences.excused].map(([why, count]) => `left out, ${why}: ${count}`),
    ...found(comparison),
  ];
}

function unreadable({ unreadable: { kinds, total } }: Comparison): string[] {
  const kept = kinds.reduce((sum, { count }) => sum + count, 0);
  return [
    ...kinds.map(({ reason, where, count }) => `can't be read: ${count}, the first at ${where}: ${reason}`),
    ...(kept < total ? [`can't be read for other reasons: ${total - kept}`] : []),
  ];
}

function found({ differences }: Comparison): string[] {
  const { counts, shown, total } = differences;
  if (total === 0) return ["no difference"];
  const kinds = [...counts].map(([kind, count]) => `${kind}: ${count}`).join(", ");
  return [
    `differences: ${total} (${kinds})`,
    ...shown.map((one) => JSON.stringify(one)),
    ...(shown.length < total ? [`and ${total - shown.length} more`] : []),
  ];
}

function timeOf(time: number): string {
  // Further from 1970 than a Date goes: nobody asked for a bound.
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : "whenever";
}
