/** The partitions that anyone here wants something of, and the requests that say so to their feeds. */

import type { Source } from "./markets.ts";
import { PartitionView } from "./partition-view.ts";
import type { RelayPorts } from "./ports.ts";

export class Partitions {
  readonly #views = new Map<string, PartitionView>();
  readonly #ports: Pick<RelayPorts<never>, "dial" | "hangUp" | "request">;
  readonly #onUnwanted: (view: PartitionView) => void;
  #requests = 0;

  /** @param onUnwanted hears of a partition of which something is not wanted any more */
  constructor(
    ports: Pick<RelayPorts<never>, "dial" | "hangUp" | "request">,
    onUnwanted: (view: PartitionView) => void,
  ) {
    this.#ports = ports;
    this.#onUnwanted = onUnwanted;
  }

  get all(): Iterable<PartitionView> {
    return this.#views.values();
  }

  get(partition: string): PartitionView | undefined {
    return this.#views.get(partition);
  }

  /** The id of a new request: unique among all links. */
  nextRequest(): number {
    this.#requests += 1;
    return this.#requests;
  }

  want(sources: Iterable<Source>): void {
    const added = new Map<PartitionView, string[]>();
    for (const { partition, name } of sources) {
      const view = this.#dialled(partition);
      const known = view.wants.get(name);
      if (known !== undefined) known.count += 1;
      else {
        view.wants.set(name, { count: 1, request: 0, start: undefined });
        added.set(view, [...(added.get(view) ?? []), name]);
      }
    }
    for (const [view, names] of added) if (view.connected) this.#request(view, names, []);
  }

  drop(sources: Iterable<Source>): void {
    const dropped = new Map<PartitionView, string[]>();
    for (const { partition, name } of sources) {
      const view = this.#views.get(partition);
      const known = view?.wants.get(name);
      if (view === undefined || known === undefined) continue;
      known.count -= 1;
      if (known.count > 0) continue;
      view.wants.delete(name);
      dropped.set(view, [...(dropped.get(view) ?? []), name]);
    }
    for (const [view, names] of dropped) {
      this.#onUnwanted(view);
      if (view.wants.size === 0) {
        this.#views.delete(view.name);
        this.#ports.hangUp(view.name);
      } else if (view.connected) this.#request(view, [], names);
    }
  }

  /** The link is open: the feed is told everything that is wanted of it. */
  opened(view: PartitionView): void {
    view.connected = true;
    for (const want of view.wants.values()) want.start = undefined;
    this.#request(view, [...view.wants.keys()], []);
  }

  #dialled(partition: string): PartitionView {
    const known = this.#views.get(partition);
    if (known !== undefined) return known;
    const made = new PartitionView(partition);
    this.#views.set(partition, made);
    this.#ports.dial(partition);
    return made;
  }

  #request(view: PartitionView, add: readonly string[], drop: readonly string[]): void {
    const id = this.nextRequest();
    for (const name of add) {
      const want = view.wants.get(name);
      if (want !== undefined) want.request = id;
    }
    this.#ports.request(view.name, { op: "want", id, add: [...add], drop: [...drop] });
  }
}
