import * as z from "zod";
import type { MarketEngine } from "./engine.ts";
import type { OutputGate } from "./gate.ts";

/** Ways to corrupt a frame: not JSON at all, a field of the wrong type, a field missing. */
export const BAD_FRAMES = ["malformed", "wrong_type", "missing_field"] as const;
export type BadFrame = (typeof BAD_FRAMES)[number];

/** What each exchange's sockets must be able to do, so that faults are the same for all. */
export interface Sockets {
  /** The number of open sockets. */
  readonly size: number;
  /** Cuts every socket without a close frame; answers how many. */
  drop(): number;
  /** Sends every socket an error frame, then closes it; answers how many. */
  fail(name: string, message: string): number;
  /** Sends the live frames of the last `count` sent trades again; answers how many frames. */
  repeat(count: number): number;
  /** Sends a corrupted copy of a market's last trade frame; answers how many frames. */
  sendBad(how: BadFrame, market: string): number;
  /** Announces a server shutdown to every client, where the exchange does so; answers how many sockets. */
  leave(): number;
}

const ms = z.int().min(0).max(3_600_000);

/** A fault on request, as `POST /_sim/fault` takes it. */
export const faultSchema = z.discriminatedUnion("fault", [
  /** Cuts all sockets without a close frame. */
  z.strictObject({ fault: z.literal("drop") }),
  /** Sockets stay and answer protocol pings, but every frame vanishes, for `ms` or until `speak`. */
  z.strictObject({ fault: z.literal("silent"), ms: ms.optional() }),
  z.strictObject({ fault: z.literal("speak") }),
  /** A corrupted extra frame, in the busiest market unless one is named; no trade is lost by it. */
  z.strictObject({ fault: z.literal("bad"), how: z.enum(BAD_FRAMES), market: z.string().optional() }),
  /** The trade frames of the last `count` trades that were sent, once more. */
  z.strictObject({ fault: z.literal("repeat"), count: z.int().min(1).max(10_000) }),
  /** Holds all frames for `ms`, then sends them in order. */
  z.strictObject({ fault: z.literal("delay"), ms }),
  /** An error frame on every socket, then a close with code 1000. */
  z.strictObject({ fault: z.literal("error"), name: z.string(), message: z.string().default("simulated") }),
  /** Answers new WebSocket connections with HTTP 503, while on. */
  z.strictObject({ fault: z.literal("refuse"), on: z.boolean() }),
  /** The REST history forgets every trade executed until now; `executed` still has them. */
  z.strictObject({ fault: z.literal("forget") }),
  /** The live frames of the next `count` trades are never sent. */
  z.strictObject({ fault: z.literal("skip"), count: z.int().min(1).max(10_000) }),
  /** Announces a server shutdown on every socket; 0 sockets where the exchange has no such frame. */
  z.strictObject({ fault: z.literal("leave") }),
  /** Answers every REST request with `status`, for `ms`. */
  z.strictObject({ fault: z.literal("rest"), status: z.int().min(400).max(599), ms }),
  /** Answers every REST request with a page for people, status 200, for `ms`. */
  z.strictObject({ fault: z.literal("maintenance"), ms }),
  /** Answers every REST request and every new WebSocket connection with `status` and `Retry-After`, for `ms`. */
  z.strictObject({ fault: z.literal("ban"), status: z.int().min(400).max(599), retryAfter: z.string().max(100), ms }),
]);
export type Fault = z.input<typeof faultSchema>;

/** Counts since the start: how often each fault was asked for, and how many sockets or frames it touched. */
export interface FaultCounts {
  requests: Record<z.output<typeof faultSchema>["fault"], number>;
  droppedSockets: number;
  badFrames: number;
  repeatedFrames: number;
  errorFrames: number;
  refusedConnections: number;
  forgottenTrades: number;
  leavingSockets: number;
  failedRequests: number;
  /** What was asked in spite of a ban, over REST and as a handshake. */
  bannedRequests: number;
  bannedConnections: number;
}

/** How the whole server answers while a fault lasts. */
export interface Outage {
  readonly status: number;
  readonly retryAfter?: string;
  readonly page?: string;
}

/** What people see in their browsers, and programs that ask for prices. */
const MAINTENANCE_PAGE = "<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>";

/** Does the faults that are asked for, and counts them. */
export class Faults {
  readonly counts: FaultCounts = {
    requests: {
      drop: 0,
      silent: 0,
      speak: 0,
      bad: 0,
      repeat: 0,
      delay: 0,
      error: 0,
      refuse: 0,
      forget: 0,
      skip: 0,
      leave: 0,
      rest: 0,
      maintenance: 0,
      ban: 0,
    },
    droppedSockets: 0,
    badFrames: 0,
    repeatedFrames: 0,
    errorFrames: 0,
    refusedConnections: 0,
    forgottenTrades: 0,
    leavingSockets: 0,
    failedRequests: 0,
    bannedRequests: 0,
    bannedConnections: 0,
  };
  refusing = false;
  #restFailure: (Outage & { readonly until: number }) | undefined;
  #ban: (Outage & { readonly until: number }) | undefined;
  readonly #engine: MarketEngine;
  readonly #gate: OutputGate;
  readonly #sockets: Sockets;

  constructor(engine: MarketEngine, gate: OutputGate, sockets: Sockets) {
    this.#engine = engine;
    this.#gate = gate;
    this.#sockets = sockets;
  }

  /** How every REST request is answered at present; undefined when they are answered as usual. */
  get restOutage(): Outage | undefined {
    return this.ban ?? unexpired(this.#restFailure);
  }

  /** How every REST request and every handshake is answered at present; undefined when nobody is banned. */
  get ban(): Outage | undefined {
    return unexpired(this.#ban);
  }

  /**
   * Does one fault; answers how many sockets, frames or trades it touched.
   * @throws {z.ZodError} when it is not one of the faults above
   * @throws {RangeError} when its market is not listed
   */
  inject(input: Fault): number {
    const fault = faultSchema.parse(input);
    const touched = this.#inject(fault);
    this.counts.requests[fault.fault] += 1;
    return touched;
  }

  #inject(fault: z.output<typeof faultSchema>): number {
    const counted = (key: Exclude<keyof FaultCounts, "requests">, touched: number) => {
      this.counts[key] += touched;
      return touched;
    };
    switch (fault.fault) {
      case "drop":
        return counted("droppedSockets", this.#sockets.drop());
      case "bad":
        return counted("badFrames", this.#sockets.sendBad(fault.how, this.#market(fault.market)));
      case "repeat":
        return counted("repeatedFrames", this.#sockets.repeat(fault.count));
      case "error":
        return counted("errorFrames", this.#sockets.fail(fault.name, fault.message));
      case "forget":
        return counted("forgottenTrades", this.#engine.log.forget());
      case "leave":
        return counted("leavingSockets", this.#sockets.leave());
      case "silent":
        this.#gate.silence(fault.ms);
        return this.#sockets.size;
      case "speak":
        this.#gate.speak();
        return this.#sockets.size;
      case "delay":
        this.#gate.hold(fault.ms);
        return this.#sockets.size;
      case "refuse":
        this.refusing = fault.on;
        return this.#sockets.size;
      case "skip":
        this.#gate.skip(fault.count);
        return this.#sockets.size;
      case "rest":
        this.#restFailure = { status: fault.status, until: performance.now() + fault.ms };
        return this.#sockets.size;
      case "maintenance":
        this.#restFailure = { status: 200, page: MAINTENANCE_PAGE, until: performance.now() + fault.ms };
        return this.#sockets.size;
      case "ban":
        this.#ban = { ...fault, until: performance.now() + fault.ms };
        return this.#sockets.size;
    }
  }

  /** The named market, or the busiest one. @throws {RangeError} when it is not listed, or none is */
  #market(code = this.#engine.markets[0]?.code): string {
    if (code === undefined) throw new RangeError("no market is listed");
    if (!this.#engine.market(code)) throw new RangeError(`${code} is not listed`);
    return code;
  }
}

function unexpired<T extends { readonly until: number }>(one: T | undefined): T | undefined {
  return one !== undefined && performance.now() < one.until ? one : undefined;
}
