/** What a relay tells its clients besides items: how the exchanges are, that instruments have left, and to reconnect. */

import { errorBody } from "../../protocol/errors.ts";
import type { FeedStatus } from "../../protocol/frames.ts";
import { parseInstrument } from "../../protocol/instrument.ts";
import { covers, isPattern, parsePattern } from "../../protocol/pattern.ts";
import type { Audiences } from "./audience.ts";
import { ControlFrame } from "./outgoing-frames.ts";
import type { RelayPorts } from "./ports.ts";
import { exchangeOf, StatusBoard } from "./status-board.ts";

export class Announcements<Client extends object> {
  readonly #audiences: Audiences<Client>;
  readonly #ports: Pick<RelayPorts<Client>, "send">;
  readonly #status = new StatusBoard();
  /** Until when (ms) a client that was told to reconnect is not told so again: every partition passes the same order on. */
  readonly #draining = new WeakMap<Client, number>();

  constructor(audiences: Audiences<Client>, ports: Pick<RelayPorts<Client>, "send">) {
    this.#audiences = audiences;
    this.#ports = ports;
  }

  /** A feed has said how its exchange is; on a change everyone who listens to the exchange is told. @param partition `upbit/2` */
  takeStatus(partition: string, status: FeedStatus): void {
    if (this.#status.put(partition, status)) this.tellStatus(exchangeOf(partition));
  }

  /** Nothing is heard of the partition any more. */
  forget(partition: string): void {
    this.#status.forget(partition);
  }

  tellStatus(exchange: string): void {
    const frame = this.statusFrame(exchange);
    if (frame !== undefined) this.#tell(exchange, () => frame);
  }

  /** Undefined where nothing is known. */
  statusFrame(exchange: string): ControlFrame | undefined {
    const status = this.#status.of(exchange);
    return status && new ControlFrame({ op: "status", exchange, ...status });
  }

  /** Everyone of an exchange is to come back at some moment within so many ms. @param now ms */
  drain(exchange: string, within: number, now: number): void {
    const frame = new ControlFrame({ op: "reconnect", within, reason: "deploy" });
    this.#tell(exchange, (client) => {
      if ((this.#draining.get(client) ?? 0) > now) return undefined;
      this.#draining.set(client, now + within);
      return frame;
    });
  }

  /** Instruments are no longer collected: whoever has one of them, by name or by a wildcard, is told. */
  end(instruments: readonly string[]): void {
    const error = errorBody("unknown_instrument", "this instrument is no longer collected");
    for (const { subscriptions, members } of this.#audiences.all) {
      const ended = instruments.filter((one) => [...subscriptions.keys()].some((name) => standsFor(name, one)));
      if (ended.length === 0) continue;
      const frame = new ControlFrame({ op: "ended", instruments: ended, error });
      for (const client of members) this.#ports.send(client, frame);
    }
  }

  #tell(exchange: string, frameFor: (client: Client) => ControlFrame | undefined): void {
    for (const { exchanges, members } of this.#audiences.all) {
      if (!exchanges.has(exchange)) continue;
      for (const client of members) {
        const frame = frameFor(client);
        if (frame !== undefined) this.#ports.send(client, frame);
      }
    }
  }
}

/** Whether a subscription is to one of the instrument's streams. */
function standsFor(name: string, instrument: string): boolean {
  if (!isPattern(name)) return name.startsWith(`${instrument}@`);
  return covers(parsePattern(name), parseInstrument(instrument));
}
