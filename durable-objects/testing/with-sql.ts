/** Storage for tests of what an object stores. */

import { env, runInDurableObject } from "cloudflare:test";

let objects = 0;

/** Runs on the SQLite of a fresh object. */
export function withSql(run: (sql: SqlStorage) => void): Promise<void> {
  objects += 1;
  return runInDurableObject(env.REGISTRY.getByName(`sql-${objects}`), (_instance, state) => run(state.storage.sql));
}
