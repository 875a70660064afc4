/** Reads the streams of a request: each by itself, since a bad one spoils no other. */

import { errorBody, ProtocolError } from "../../protocol/errors.ts";
import { type FailedStream, type WantedStream, wantedPosition } from "../../protocol/frames.ts";
import type { Position } from "../../protocol/position.ts";
import { type Markets, type Subscription, subscription } from "./markets.ts";
import type { Wanted } from "./resume-plan.ts";

/** How much one connection may subscribe to. */
export interface StreamLimits {
  readonly streams: number;
  readonly wildcards: number;
}

export interface RequestedStreams {
  readonly wanted: readonly Wanted[];
  readonly failed: readonly FailedStream[];
}

/** @param has what the client is subscribed to */
export function readStreams(
  streams: readonly WantedStream[],
  has: ReadonlyMap<string, Subscription>,
  markets: Markets,
  limits: StreamLimits,
): RequestedStreams {
  const failed: FailedStream[] = [];
  const wanted = new Map<string, Wanted>();
  const left = countLeft(has, limits);
  for (const one of streams) {
    const requested = typeof one === "string" ? one : one.stream;
    try {
      const parsed = subscription(requested, markets);
      const from = positionOf(one, parsed);
      check(parsed, markets);
      const before = wanted.get(parsed.name);
      const had = has.has(parsed.name);
      if (before === undefined && !had) spend(left, parsed, limits);
      const names = new Set([...(before?.requested ?? []), requested]);
      wanted.set(parsed.name, { subscription: parsed, requested: [...names], from, had });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      failed.push({ requested, error: errorBody(error.code, error.message) });
    }
  }
  return { wanted: [...wanted.values()], failed };
}

type Left = { streams: number; wildcards: number };

function countLeft(has: ReadonlyMap<string, Subscription>, limits: StreamLimits): Left {
  const wildcards = [...has.values()].filter(({ wildcard }) => wildcard).length;
  return { streams: limits.streams - (has.size - wildcards), wildcards: limits.wildcards - wildcards };
}

function spend(left: Left, { wildcard }: Subscription, limits: StreamLimits): void {
  const kind = wildcard ? "wildcards" : "streams";
  if (left[kind] <= 0) {
    throw new ProtocolError("too_many_streams", `at most ${limits[kind]} ${kind} on one connection: open another one`);
  }
  left[kind] -= 1;
}

/** @throws {ProtocolError} `unknown_instrument` */
function check({ name, wildcard, sources, matches }: Subscription, markets: Markets): void {
  const instrument = name.slice(0, name.indexOf("@"));
  if (!wildcard && !markets.has(instrument)) {
    throw new ProtocolError("unknown_instrument", `there is no ${instrument}: see /v1/markets for those there are`);
  }
  if (sources.length === 0) {
    throw new ProtocolError(
      "unknown_instrument",
      `${name} stands for nothing: there is ${markets.exchanges.join(", ")}`,
    );
  }
  if (wildcard && matches === 0 && !sources.some(({ name: own }) => own.includes("*"))) {
    throw new ProtocolError("unknown_instrument", `no exchange has ${instrument}: see /v1/markets for those there are`);
  }
}

/** @throws {ProtocolError} `bad_request` */
function positionOf(wanted: WantedStream, { wildcard }: Subscription): Position | undefined {
  if (typeof wanted === "string" || (wanted.epoch === undefined && wanted.seq === undefined)) return undefined;
  if (wildcard) throw new ProtocolError("bad_request", "a wildcard has no position of its own: name them in `from`");
  const position = wantedPosition.safeParse(wanted);
  if (position.success) return position.data;
  throw new ProtocolError(
    "bad_request",
    "a position has an epoch (text) and a seq (a whole number from 0, below 2^53)",
  );
}
