/** One channel of a subscription request, where a request replaces the whole subscription: Upbit's protocol, and Bithumb's. */
export interface ChannelRequest {
  readonly type: string;
  readonly codes: readonly string[];
  readonly snapshot: boolean;
  readonly realtime: boolean;
}

/** The subscribed codes of each type, of live frames. */
export function liveCodes(channels: readonly ChannelRequest[]): ReadonlyMap<string, ReadonlySet<string>> {
  const live = new Map<string, Set<string>>();
  for (const { type, codes, realtime } of channels) {
    if (realtime) live.set(type, new Set([...(live.get(type) ?? []), ...codes]));
  }
  return live;
}

/** The snapshots that a subscription begins with, in the order of its channels. */
export function snapshotsOf(channels: readonly ChannelRequest[]): { readonly type: string; readonly code: string }[] {
  return channels.flatMap(({ type, codes, snapshot }) => (snapshot ? codes.map((code) => ({ type, code })) : []));
}
