/**
 * Frames on their way to clients. Each is rendered when the first client of a form is sent it, and then shared by all of that
 * form, so that a server-sent event costs nothing where nobody reads any.
 */

import type { MultiServerFrame } from "../../protocol/multi-stream-frames.ts";
import { formatPositions } from "../../protocol/positions.ts";
import { controlEvent, dataEvents } from "../../protocol/server-sent-events.ts";

/** By epoch. */
export type PositionsByEpoch = Readonly<Record<string, number>>;

/** How many items of an exchange a frame has. */
export interface ItemCount {
  readonly exchange: string;
  count: number;
}

/** The text of a frame in each form of `WireFormat`. */
export interface OutgoingFrame {
  readonly items: readonly ItemCount[];
  readonly json: string;
  readonly sse: string;
}

/** @returns all positions of the connections that a frame goes to, once it has been sent */
export type AllPositions = () => PositionsByEpoch;

const NO_POSITIONS: PositionsByEpoch = {};
const NO_ITEMS: readonly ItemCount[] = [];

export class DataFrame implements OutgoingFrame {
  readonly items: readonly ItemCount[];
  readonly #texts: readonly string[];
  readonly #positions: PositionsByEpoch;
  readonly #all: AllPositions;
  #json: string | undefined;
  #sse: string | undefined;

  /**
   * @param texts items as JSON
   * @param items how many they are
   * @param positions those that are told with them
   * @param all of which a server-sent event has every one, since a reader comes back with its last id alone
   */
  constructor(texts: readonly string[], items: readonly ItemCount[], positions: PositionsByEpoch, all: AllPositions) {
    this.#texts = texts;
    this.items = items;
    this.#positions = positions;
    this.#all = all;
  }

  get json(): string {
    this.#json ??= this.#asJson();
    return this.#json;
  }

  get sse(): string {
    this.#sse ??= dataEvents(this.#texts, idOf(this.#all()));
    return this.#sse;
  }

  #asJson(): string {
    const told = Object.keys(this.#positions).length === 0 ? "" : `,"positions":${JSON.stringify(this.#positions)}`;
    return `{"op":"data","data":[${this.#texts.join(",")}]${told}}`;
  }
}

/** Any other frame. */
export class ControlFrame implements OutgoingFrame {
  readonly items = NO_ITEMS;
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

/** How many there are of each exchange. @param lines items by the names of their streams */
export function countItems(lines: readonly { readonly stream: string }[]): ItemCount[] {
  const counts: ItemCount[] = [];
  for (const { stream } of lines) {
    const exchange = stream.slice(0, stream.indexOf(":"));
    const known = counts.find((one) => one.exchange === exchange);
    if (known === undefined) counts.push({ exchange, count: 1 });
    else known.count += 1;
  }
  return counts;
}

/** Empty where a connection has no `trade` streams. */
function idOf(positions: PositionsByEpoch): string {
  return formatPositions(new Map(Object.entries(positions)));
}
