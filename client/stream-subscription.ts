/** One subscription of a connection of many streams: to a stream by name, or to a wildcard. */

import { isPattern, parseStreamOrPattern } from "../protocol/pattern.ts";
import { CHANNEL_KINDS, type ChannelKind } from "../protocol/stream.ts";
import type { StreamHandlers } from "./handlers.ts";
import { Progress, type ResumeFrom } from "./progress.ts";
import type { SubscriptionState } from "./subscription.ts";

export class StreamSubscription {
  /** Canonical, with its rate. */
  readonly stream: string;
  readonly isWildcard: boolean;
  readonly kind: ChannelKind;
  readonly handlers: StreamHandlers;
  readonly progress: Progress;
  state: SubscriptionState = "subscribing";
  /** The request that has not been answered yet. */
  request: number | undefined;

  /** @throws {ProtocolError} when the name is malformed */
  constructor(name: string, handlers: StreamHandlers, from?: ResumeFrom) {
    const { name: stream, channel } = parseStreamOrPattern(name);
    this.stream = stream;
    this.isWildcard = isPattern(stream);
    this.kind = CHANNEL_KINDS[channel];
    this.handlers = handlers;
    this.progress = new Progress(this.kind, from);
  }
}
