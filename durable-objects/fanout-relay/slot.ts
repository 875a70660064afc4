/** What has arrived goes out: `raw` at once, everything else at the end of the slot, as one frame for each audience. */

import type { ItemLine } from "../../protocol/relay-frames.ts";
import type { Delivery, PartitionLines } from "./delivery.ts";
import { isRaw } from "./item-lines.ts";
import type { PartitionView } from "./partition-view.ts";
import type { RelayPorts } from "./ports.ts";
import type { LiveLines } from "./relinks.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";

export interface SlotParts<Client extends object> {
  readonly delivery: Delivery<Client>;
  readonly cache: SnapshotCache;
  readonly ports: Pick<RelayPorts<Client>, "send">;
  /** What has arrived of a partition has been sent. */
  readonly onSent: () => void;
}

export class Slot<Client extends object> {
  readonly #parts: SlotParts<Client>;
  /** Partitions that have lines for the end of the slot. */
  readonly #waiting = new Set<PartitionView>();

  constructor(parts: SlotParts<Client>) {
    this.#parts = parts;
  }

  /** Whether lines wait for the end of the slot. */
  get gathering(): boolean {
    return this.#waiting.size > 0;
  }

  /** Takes what a feed has sent. */
  pass(view: PartitionView, { through, lines }: LiveLines): void {
    view.receive(through);
    const raw = lines.filter(isRaw);
    if (raw.length < lines.length) view.gathered.push(...lines.filter((line) => !isRaw(line)));
    if (raw.length > 0) this.deliver([{ view, lines: raw }]);
    if (view.gathered.length > 0) this.#waiting.add(view);
    else this.#advance(view);
    this.#parts.onSent();
  }

  /** Sends what waits. */
  end(): void {
    if (this.#waiting.size === 0) return;
    const due = [...this.#waiting].map((view) => ({ view, lines: view.gathered }));
    for (const view of this.#waiting) {
      view.gathered = [];
      this.#advance(view);
    }
    this.#waiting.clear();
    this.deliver(due);
    this.#parts.onSent();
  }

  /** Sends these at once. */
  deliver(due: readonly PartitionLines[]): void {
    for (const [{ members }, frame] of this.#parts.delivery.frames(due)) {
      for (const client of members) this.#parts.ports.send(client, frame);
    }
    for (const { view, lines } of due) for (const line of lines) this.keep(view, line);
  }

  /** Remembers a line for those who come later. */
  keep(view: PartitionView, line: ItemLine): void {
    if (view.keeps(line.stream)) this.#parts.cache.put(view.name, line);
  }

  /** What has arrived at the rates that wait for the slot has been sent. */
  #advance(view: PartitionView): void {
    view.sent = view.received;
  }
}
