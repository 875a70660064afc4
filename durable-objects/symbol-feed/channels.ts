/** The streams that a feed has: every channel at every rate. A new channel is one entry here. */

import { type Channel, RATES, type Rate } from "../../protocol/stream.ts";
import type { FeedStream } from "../streams/feed-stream.ts";
import { LogStream } from "../streams/log-stream.ts";
import { StateStream } from "../streams/state-stream.ts";
import type { StreamKey } from "../streams/stream-key.ts";
import type { TradeHistory } from "./trade-history.ts";

type StreamFactory = (rate: Rate, history: TradeHistory) => FeedStream;

const CHANNEL_STREAMS: Readonly<Record<Channel, StreamFactory>> = {
  ticker: (rate) => new StateStream("ticker", rate),
  trade: (rate, history) => new LogStream("trade", rate, history),
};

export function feedStreams(history: TradeHistory): ReadonlyMap<StreamKey, FeedStream> {
  const streams = Object.values(CHANNEL_STREAMS).flatMap((make) => RATES.map((rate) => make(rate, history)));
  return new Map(streams.map((stream) => [stream.key, stream]));
}
