/**
 * Frames on their way to clients. Each is rendered when the first client of a form is sent it, and then shared by all of that
 * form, so that a server-sent event costs nothing where nobody reads any.
 */

import type { MultiServerFrame } from "../../protocol/multi-stream-frames.ts";
import { formatPositions } from "../../protocol/positions.ts";
import { controlEvent, dataEvents } from "../../protocol/server-sent-events.ts";

/** By epoch. */
export type PositionsByEpoch = Readonly<Record<string, number>>;

/** The text of a frame in each form of `WireFormat`. */
export interface OutgoingFrame {
  readonly json: string;
  readonly sse: string;
}

/** @returns all positions of the connections that a frame goes to, once it has been sent */
export type AllPositions = () => PositionsByEpoch;

const NO_POSITIONS: PositionsByEpoch = {};

export class DataFrame implements OutgoingFrame {
  readonly #items: readonly string[];
  readonly #positions: PositionsByEpoch;
  readonly #all: AllPositions;
  #json: string | undefined;
  #sse: string | undefined;

  /**
   * @param items as JSON
   * @param positions those that are told with them
   * @param all of which a server-sent event has every one, since a reader comes back with its last id alone
   */
  constructor(items: readonly string[], positions: PositionsByEpoch, all: AllPositions) {
    this.#items = items;
    this.#positions = positions;
    this.#all = all;
  }

  get json(): string {
    this.#json ??= this.#asJson();
    return this.#json;
  }

  get sse(): string {
    this.#sse ??= dataEvents(this.#items, idOf(this.#all()));
    return this.#sse;
  }

  #asJson(): string {
    const told = Object.keys(this.#positions).length === 0 ? "" : `,"positions":${JSON.stringify(this.#positions)}`;
    return `{"op":"data","data":[${this.#items.join(",")}]${told}}`;
  }
}

/** Any other frame. */
export class ControlFrame implements OutgoingFrame {
  readonly #frame: MultiServerFrame;
  readonly #all: AllPositions;
  #json: string | undefined;
  #sse: string | undefined;

  /** @param all of one that tells positions */
  constructor(frame: MultiServerFrame, all: AllPositions = () => NO_POSITIONS) {
    this.#frame = frame;
    this.#all = all;
  }

  get json(): string {
    this.#json ??= JSON.stringify(this.#frame);
    return this.#json;
  }

  get sse(): string {
    this.#sse ??= controlEvent(this.json, idOf(this.#all()));
    return this.#sse;
  }
}

/** Empty where a connection has no `trade` streams. */
function idOf(positions: PositionsByEpoch): string {
  return formatPositions(new Map(Object.entries(positions)));
}
