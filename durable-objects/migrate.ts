/** What an object has stored says its version, in a row of its own, and is brought to the newest one when the object wakes. */

import { stepsFrom } from "../protocol/versioned.ts";

/** From one version to the next. */
export type Migration = (sql: SqlStorage) => void;

/**
 * For a constructor, once the tables are there and before anything is read. Nothing is awaited in between, so the steps and
 * the version are written in one transaction, or not at all.
 *
 * @param migrations the one at index 0 leads from version 1, in which nothing said its version, to 2
 * @throws {NewerVersionError} and so the object can't be reached: what it has stored was written by newer code
 */
export function migrate(sql: SqlStorage, what: string, migrations: readonly Migration[]): void {
  sql.exec("CREATE TABLE IF NOT EXISTS version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)");
  const stored = sql.exec<{ version: number }>("SELECT version FROM version").toArray()[0]?.version;
  for (const step of stepsFrom(stored ?? 1, migrations, what)) step(sql);
  const version = migrations.length + 1;
  if (stored !== version) sql.exec("INSERT OR REPLACE INTO version (id, version) VALUES (1, ?)", version);
}
