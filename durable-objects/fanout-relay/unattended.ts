/**
 * Clients that can't ask again for what has failed for the time being: readers of server-sent events, whose one request is their
 * URL. The relay asks again for them; or it sends them away, where they would forget by staying where they were.
 */

import type { FailedStream } from "../../protocol/frames.ts";
import type { ReadyJoin } from "./joins.ts";

/** Between a failure and the next try, ms. */
const PAUSE = 5000;

/**
 * Whether a client has to come back for what has failed. Its next id would have no position of what is not subscribed; and for
 * one that has nothing else here, no clock runs.
 *
 * @param hasOthers whether it has streams from earlier requests
 */
export function mustComeBack(join: ReadyJoin<object>, hasOthers: boolean): boolean {
  if (join.unattended !== true || retryable(join.failed).length === 0) return false;
  const resumed = new Set(join.partitions.map(({ view }) => view.epoch));
  const forgets = Object.keys(join.from).some((epoch) => !resumed.has(epoch));
  return forgets || (join.wanted.length === 0 && !hasOthers);
}

/** What is to be asked for again. */
export class Retries<Client extends object> {
  readonly #waiting = new Map<Client, { readonly streams: readonly string[]; at: number | undefined }>();

  /** A request has been answered. */
  answered({ client, unattended, failed }: ReadyJoin<Client>): void {
    const streams = retryable(failed);
    if (unattended === true && streams.length > 0) this.#waiting.set(client, { streams, at: undefined });
  }

  /** Whose time has come; they wait no longer. @param now ms */
  due(now: number): { readonly client: Client; readonly streams: readonly string[] }[] {
    const due = [];
    for (const [client, waiting] of this.#waiting) {
      waiting.at ??= now + PAUSE;
      if (waiting.at > now) continue;
      this.#waiting.delete(client);
      due.push({ client, streams: waiting.streams });
    }
    return due;
  }

  remove(client: Client): void {
    this.#waiting.delete(client);
  }
}

function retryable(failed: readonly FailedStream[]): string[] {
  return failed.filter(({ error }) => error.retryable).map(({ requested }) => requested);
}
