/** The value that a part `at` (0 to 1) of them does not exceed; sorts them. */
export function quantile(values: number[], at: number): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
