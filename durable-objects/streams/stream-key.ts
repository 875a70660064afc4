/** What tells a feed's streams apart: channel and rate, `trade@raw`. The instrument is the feed's. */

import { CHANNELS, type Channel, RATES, type Rate } from "../../protocol/stream.ts";

export type StreamKey = `${Channel}@${Rate}`;

export const STREAM_KEYS: readonly StreamKey[] = CHANNELS.flatMap((channel) =>
  RATES.map((rate) => streamKey(channel, rate)),
);

/** The seq of the last item broadcast, by stream. */
export type StreamPositions = Partial<Record<StreamKey, number>>;

export function streamKey(channel: Channel, rate: Rate): StreamKey {
  return `${channel}@${rate}`;
}

const RATE_OF = new Map(CHANNELS.flatMap((channel) => RATES.map((rate) => [streamKey(channel, rate), rate])));

/** @example rateOf("trade@raw") // "raw" */
export function rateOf(key: StreamKey): Rate {
  return RATE_OF.get(key) ?? "raw";
}
