import type { MarketEngine } from "./engine.ts";
import type { ExecutedPage } from "./executed.ts";
import type { FaultCounts, Faults } from "./faults.ts";
import type { GateCounts } from "./gate.ts";
import type { Pace } from "./pace.ts";

/** What `GET /_sim` answers. */
export interface SimulatorState {
  readonly rate: number;
  readonly paused: boolean;
  readonly silent: boolean;
  readonly holding: boolean;
  readonly refusing: boolean;
  readonly sockets: number;
  readonly markets: number;
  /** How many trades were executed; the `seq` of the newest. */
  readonly head: number;
  readonly frames: GateCounts;
  readonly faults: FaultCounts;
}

/** A running simulated exchange. */
export interface Simulator {
  /** The name of the exchange that it is. */
  readonly exchange: string;
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly controlUrl: string;
  readonly engine: MarketEngine;
  readonly pace: Pace;
  readonly faults: Faults;
  /** Up to `limit` executed trades after `seq`, oldest first. */
  executed(after?: number, limit?: number): ExecutedPage;
  /** Delists a market, and notifies its subscribers where the exchange does so. @throws {RangeError} when it is not listed */
  delist(market: string): void;
  state(): SimulatorState;
  /** Cuts all sockets and frees the port. */
  stop(): Promise<void>;
}
