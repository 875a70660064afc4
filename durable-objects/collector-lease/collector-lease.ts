/**
 * The Durable Object that says which process collects an exchange (`upbit`, one for each). Its terms are fencing tokens:
 * whoever gets the lease writes the log under a higher one than everybody before, see `protocol/log-record.ts`.
 */

import { DurableObject } from "cloudflare:workers";
import type { LeaseAnswer, LeaseRequest } from "../../protocol/ingest.ts";
import { migrate } from "../migrate.ts";
import type { Settings } from "../settings.ts";

/** What is written; `holder` is null when it was given back. `ttl` (ms) is that of the holder's first request. */
interface Lease {
  readonly holder: string | null;
  readonly term: number;
  readonly ttl: number;
}

export class CollectorLease extends DurableObject<Settings> {
  #lease: Lease;
  /** Up to when (ms) nobody else gets it. In memory only: a renewal writes nothing. */
  #until: number;

  constructor(ctx: DurableObjectState, env: Settings) {
    super(ctx, env);
    ctx.storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS lease (id INTEGER PRIMARY KEY CHECK (id = 1), holder TEXT, term INTEGER NOT NULL,
       ttl INTEGER NOT NULL)`,
    );
    migrate(ctx.storage.sql, "this lease", []);
    const stored = ctx.storage.sql.exec<{ holder: string | null; term: number; ttl: number }>(
      "SELECT holder, term, ttl FROM lease",
    );
    this.#lease = stored.toArray()[0] ?? { holder: null, term: 0, ttl: 0 };
    // The holder may have been unable to renew while this object was away: it gets one more ttl to do so.
    this.#until = this.#lease.holder === null ? 0 : Date.now() + this.#lease.ttl;
  }

  /**
   * Gives the lease to the caller, or says who has it. A caller whose term is above the stored one has superseded the
   * holder already: the log itself said so.
   */
  hold({ holder, term, ttl }: LeaseRequest): LeaseAnswer {
    const now = Date.now();
    const before = this.#lease;
    if (term > before.term) this.#store({ holder, term, ttl });
    else if (holder !== before.holder && now >= this.#until) this.#store({ holder, term: before.term + 1, ttl });
    else if (before.holder !== null && holder !== before.holder) {
      return { granted: false, term: before.term, holder: before.holder, freeIn: this.#until - now };
    }
    this.#until = now + ttl;
    return { granted: true, term: this.#lease.term, holder, freeIn: ttl };
  }

  /** Ends it at once, if it is the caller's. The term stays: the next one is higher. */
  release({ holder }: Pick<LeaseRequest, "holder">): void {
    if (holder !== this.#lease.holder) return;
    this.#store({ ...this.#lease, holder: null });
    this.#until = 0;
  }

  #store(lease: Lease): void {
    this.#lease = lease;
    const { holder, term, ttl } = lease;
    this.ctx.storage.sql.exec(
      "INSERT OR REPLACE INTO lease (id, holder, term, ttl) VALUES (1, ?, ?, ?)",
      holder,
      term,
      ttl,
    );
  }
}
