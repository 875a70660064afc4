/**
 * A link that was lost and is open again: what its feed has sent meanwhile is asked for, and passed on to everyone before what
 * comes live, so that no client notices.
 */

import { patternsOf } from "../../protocol/pattern.ts";
import type { ItemLine, RelayHead, Through } from "../../protocol/relay-frames.ts";
import { parseStream, RATES } from "../../protocol/stream.ts";
import { isTrade } from "./item-lines.ts";
import type { PartitionView } from "./partition-view.ts";
import type { Partitions } from "./partitions.ts";
import type { RelayPorts } from "./ports.ts";

/** What a feed sends at a time. */
export interface LiveLines {
  readonly through: Through;
  readonly lines: readonly ItemLine[];
}

/** What is to be passed on now, oldest first. */
export interface Relinked {
  /** Undefined where the feed has not got it any more. */
  readonly missed: LiveLines | undefined;
  /** From where the feed sends since the link is open again. */
  readonly start: Through;
  readonly live: readonly LiveLines[];
}

interface Relink {
  /** The page that is waited for; undefined until the feed has said from where it sends. */
  request: number | undefined;
  /** From where the feed sends. */
  start: Through;
  /** What was asked for: what has been wanted since is not among it. */
  names: ReadonlySet<string>;
  /** What was missed, as far as it has come. */
  readonly missed: ItemLine[];
  /** What has come live behind it. */
  readonly held: LiveLines[];
}

type ReplayHead = Extract<RelayHead, { op: "replay" }>;

export class Relinks {
  readonly #partitions: Partitions;
  readonly #ports: Pick<RelayPorts<never>, "request">;
  readonly #relinks = new Map<PartitionView, Relink>();

  constructor(partitions: Partitions, ports: Pick<RelayPorts<never>, "request">) {
    this.#partitions = partitions;
    this.#ports = ports;
  }

  /** The link is open: where something was known before, it is gone on from. */
  opened(view: PartitionView): void {
    if (view.epoch === null) return;
    view.relinking = true;
    this.#relinks.set(view, { request: undefined, names: new Set(), start: view.received, missed: [], held: [] });
  }

  /** The link is lost, or the log is another one: what is missing has to be asked for anew. */
  lost(view: PartitionView): void {
    this.#end(view);
  }

  /** The feed has said from where it sends. */
  wanted(view: PartitionView, start: Through): void {
    const relink = this.#relinks.get(view);
    if (relink === undefined || relink.request !== undefined) return;
    relink.start = start;
    const { tradeNames } = view;
    if (tradeNames.length === 0) {
      view.skipTo(start);
      this.#end(view);
    } else this.#request(view, relink, tradeNames);
  }

  /** @returns what of live lines is to be passed on now; undefined where they have to wait */
  pass(view: PartitionView, live: LiveLines): LiveLines | undefined {
    const relink = this.#relinks.get(view);
    relink?.held.push(live);
    return relink === undefined ? live : undefined;
  }

  /** @returns undefined where more is to come, or nothing was asked for */
  take(view: PartitionView, head: ReplayHead, lines: readonly ItemLine[]): Relinked | undefined {
    const relink = this.#relinks.get(view);
    if (relink === undefined || relink.request !== head.id) return undefined;
    if (head.recovered !== true) {
      this.#end(view);
      return { missed: undefined, start: relink.start, live: relink.held };
    }
    relink.missed.push(...lines.filter((line) => line.seq > view.sent[rateOf(line)]));
    if (head.more) {
      this.#ports.request(view.name, { op: "next", id: head.id });
      return undefined;
    }
    this.#ports.request(view.name, { op: "cancel", id: head.id });
    this.#end(view);
    const reached = head.through;
    const live = relink.held.map(({ through, lines }) => ({
      through: atLeast(through, reached),
      lines: lines.filter((line) => line.seq > reached || !isMissed(relink, line)),
    }));
    return { missed: { through: atLeast(view.received, reached), lines: relink.missed }, start: relink.start, live };
  }

  #end(view: PartitionView): void {
    view.relinking = false;
    this.#relinks.delete(view);
  }

  #request(view: PartitionView, relink: Relink, streams: readonly string[]): void {
    relink.request = this.#partitions.nextRequest();
    relink.names = new Set(streams);
    const [id, epoch, from] = [relink.request, view.epoch ?? "", view.sentAt(RATES)];
    this.#ports.request(view.name, { op: "replay", id, epoch, from, streams: [...streams] });
  }
}

/** Whether a line is of a stream that was asked for. */
function isMissed({ names }: Relink, line: ItemLine): boolean {
  return isTrade(line) && patternsOf(parseStream(line.stream)).some((name) => names.has(name));
}

function rateOf({ stream }: ItemLine): keyof Through {
  return RATES.find((rate) => stream.endsWith(`@${rate}`)) ?? "raw";
}

function atLeast(through: Through, seq: number): Through {
  return {
    raw: Math.max(through.raw, seq),
    "100ms": Math.max(through["100ms"], seq),
    "1s": Math.max(through["1s"], seq),
  };
}
