/**
 * Clients that can't ask again for what has failed for the time being: readers of server-sent events, whose one request is their
 * URL. The relay asks again for them; or it sends them away, where they would forget by staying where they were.
 */

import type { FailedStream } from "../../protocol/frames.ts";
import type { ReadyJoin } from "./joins.ts";

/** Between a failure and the next try, ms. */
const PAUSE = 5000;

/**
 * Whether a client has to come back for what has failed: for trades that it named positions for, since the ids that the others'
 * trades give it would pass over them; and where it has nothing else here, since for such a one no clock runs.
 *
 * @param hasOthers whether it has streams from earlier requests
 */
export function mustComeBack(join: ReadyJoin<object>, hasOthers: boolean): boolean {
  const failed = retryable(join.failed);
  if (join.unattended !== true || failed.length === 0) return false;
  const resumes = Object.keys(join.from).length > 0 && failed.some((name) => name.includes("@trade"));
  return resumes || (join.wanted.length === 0 && !hasOthers);
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
