/** One subscription to a stream. */

import type { Position } from "../protocol/position.ts";
import { parseStream } from "../protocol/stream.ts";
import { Continuity } from "./continuity.ts";
import type { StreamHandlers } from "./handlers.ts";

/**
 * `subscribing`: asked for, or waiting for a connection; `subscribed`: items flow; `paused`: the subscriber wants none for now;
 * `unsubscribed`: over, by our wish or the server's.
 */
export type SubscriptionState = "subscribing" | "subscribed" | "paused" | "unsubscribed";

export class Subscription {
  /** Canonical, with its rate. */
  readonly stream: string;
  readonly handlers: StreamHandlers;
  readonly continuity: Continuity;
  state: SubscriptionState = "subscribing";
  /** The request that has not been answered yet: until then items are those of an older one, and are passed over. */
  request: number | undefined;
  /** How often something was missing since the last item that was delivered. */
  misses = 0;

  constructor(stream: string, handlers: StreamHandlers, from?: Position) {
    const { name, channel } = parseStream(stream);
    this.stream = name;
    this.handlers = handlers;
    this.continuity = new Continuity(from, channel === "trade" ? "log" : "state");
  }

  /** The last item seen: enough to resume the stream anywhere. */
  get position(): Position | undefined {
    return this.continuity.position;
  }
}
