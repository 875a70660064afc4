/** What a client wants of one type, where one message says all that it wants: Upbit's way, and Bithumb's after it. */
export interface Wish {
  readonly type: string;
  readonly codes: readonly string[];
  readonly snapshot: boolean;
  readonly realtime: boolean;
}

/** The codes of each type that live frames are wanted of. */
export function liveCodes(wishes: readonly Wish[]): ReadonlyMap<string, ReadonlySet<string>> {
  const live = new Map<string, Set<string>>();
  for (const { type, codes, realtime } of wishes) {
    if (realtime) live.set(type, new Set([...(live.get(type) ?? []), ...codes]));
  }
  return live;
}

/** The snapshots that are wanted, in the order of the wishes. */
export function snapshotsOf(wishes: readonly Wish[]): { readonly type: string; readonly code: string }[] {
  return wishes.flatMap(({ type, codes, snapshot }) => (snapshot ? codes.map((code) => ({ type, code })) : []));
}
