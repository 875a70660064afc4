/**
 * The frames of a connection of many streams, `GET /v1/stream`: those of PROTOCOL.md §3 with what only such a connection has,
 * wildcards and positions. What both kinds of socket say alike stands in `frames.ts`.
 */

import { z } from "zod";
import { timestamp } from "./events.ts";
import {
  COMMON_CLIENT_FRAMES,
  COMMON_SERVER_FRAMES,
  dataFrame,
  errorFields,
  subscribedFrame,
  subscribedStream,
  subscribeFrame,
  welcomeFrame,
} from "./frames.ts";

const seq = z.int().nonnegative();
/** A client names epochs, too: they are looked up and echoed, but never longer than this. */
const epoch = z.string().min(1).max(64);
const positions = z.record(epoch, seq);

/** `from`: the positions told last, from which every `trade` stream of the request without a position of its own resumes. */
const multiSubscribe = subscribeFrame.extend({ from: positions.optional() });
export const multiClientFrame = z.discriminatedUnion("op", [multiSubscribe, ...COMMON_CLIENT_FRAMES]);
export type MultiClientFrame = z.infer<typeof multiClientFrame>;

/** How the resume of a wildcard goes: by epoch, as far as `from` names it. */
const recoveredEpochs = z.record(epoch, z.union([z.literal(true), subscribedStream.shape.reason.unwrap()]));

/** A wildcard that was subscribed; `matches`: how many instruments it stands for now. It has no `seq`, only positions. */
export const subscribedPattern = z.object({
  requested: z.string(),
  stream: z.string(),
  matches: z.int().nonnegative(),
  recovered: recoveredEpochs.optional(),
});
export type SubscribedPattern = z.infer<typeof subscribedPattern>;

export const multiServerFrame = z.discriminatedUnion("op", [
  welcomeFrame.extend({
    /** The server's clock, ms. */
    time: timestamp,
    limits: welcomeFrame.shape.limits.extend({ wildcards: z.int() }),
  }),
  subscribedFrame.extend({
    streams: z.array(z.union([subscribedPattern, subscribedStream])),
    /** Those that hold with the new streams; absent where no `trade` stream was subscribed. */
    positions: positions.optional(),
  }),
  dataFrame.extend({
    /** Up to each of these, everything of the connection's `trade` streams has been sent; by epoch. */
    positions: positions.optional(),
  }),
  /** These instruments leave the connection, under whatever subscription; everything else goes on. */
  z.object({ op: z.literal("ended"), instruments: z.array(z.string()), error: z.object(errorFields) }),
  ...COMMON_SERVER_FRAMES,
]);
export type MultiServerFrame = z.infer<typeof multiServerFrame>;
