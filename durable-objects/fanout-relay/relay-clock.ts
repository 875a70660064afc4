/**
 * What a relay does by the clock while something is wanted of partitions: the ends of slots, positions, status, and looking
 * after clients. With nothing wanted no timer runs, and the object may sleep.
 */

import type { SocketPool } from "../clients/socket-pool.ts";
import type { RelayCore } from "./relay-core.ts";

/** What is due at about the same time goes out in one frame, ms. */
const SLOT = 20;
const TICK = 1000;
/** In ticks. PROTOCOL.md §3: positions at least every 5 s, status every 15 s. */
const POSITIONS_EVERY = 4;
const STATUS_EVERY = 14;
/** A new instrument can be subscribed to by its name that much later. */
const MARKETS_EVERY = 2;
/** A relay is let go of 70 s after the last event that is none of its links', whatever it does: so it has one of its own, ms. */
const ALARM_PERIOD = 40_000;

export interface ClockParts {
  readonly core: Pick<RelayCore<object>, "gathering" | "endSlot" | "settle" | "tellPositions" | "tellStatus">;
  readonly pool: Pick<SocketPool, "dropSlow" | "dropSilent">;
  /** Whether anything is wanted of partitions. */
  readonly isNeeded: () => boolean;
  readonly refreshMarkets: () => void;
}

export class RelayClock {
  readonly #storage: Pick<DurableObjectStorage, "setAlarm">;
  readonly #parts: ClockParts;
  #slot: ReturnType<typeof setTimeout> | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #ticks = 0;

  constructor(storage: Pick<DurableObjectStorage, "setAlarm">, parts: ClockParts) {
    this.#storage = storage;
    this.#parts = parts;
  }

  /** Something is wanted. */
  start(): void {
    if (this.#ticking !== undefined) return;
    this.#ticking = setInterval(() => this.#tick(), TICK);
    void this.#storage.setAlarm(Date.now() + ALARM_PERIOD);
  }

  /** Lines may have come: those that are not sent at once are at the end of the slot. */
  gather(): void {
    if (this.#slot !== undefined || !this.#parts.core.gathering) return;
    this.#slot = setTimeout(() => {
      this.#slot = undefined;
      this.#parts.core.endSlot(Date.now());
    }, SLOT);
  }

  onAlarm(): void {
    if (this.#ticking !== undefined) void this.#storage.setAlarm(Date.now() + ALARM_PERIOD);
  }

  #tick(): void {
    const { core, pool, isNeeded, refreshMarkets } = this.#parts;
    const now = Date.now();
    if (!isNeeded()) {
      // The registry is told with it what was counted: after this the object may sleep, and forget it.
      refreshMarkets();
      this.#stop();
      return;
    }
    this.#ticks += 1;
    core.settle(now);
    if (this.#ticks % POSITIONS_EVERY === 0) core.tellPositions();
    if (this.#ticks % STATUS_EVERY === 0) core.tellStatus();
    pool.dropSlow(now);
    pool.dropSilent(now);
    if (this.#ticks % MARKETS_EVERY === 0) refreshMarkets();
  }

  #stop(): void {
    if (this.#ticking !== undefined) clearInterval(this.#ticking);
    this.#ticking = undefined;
  }
}
