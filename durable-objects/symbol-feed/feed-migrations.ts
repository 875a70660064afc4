/** How a feed's stored record came to be what it is, see `feed-store.ts` and `migrate.ts`. */

import { z } from "zod";
import type { Migration } from "../migrate.ts";

const version1 = z.looseObject({ lines: z.record(z.string(), z.number()) });

export const FEED_MIGRATIONS: readonly Migration[] = [
  // To version 2: `lines` are called what they are. Trades are stored as items carry them since; those of before are many, and
  // are read as they stand (`stored-event.ts`).
  (sql) =>
    rewriteRecord(sql, (body) => {
      const { lines: positions, ...rest } = version1.parse(body);
      return { ...rest, positions };
    }),
];

function rewriteRecord(sql: SqlStorage, rewrite: (body: unknown) => object): void {
  for (const { body } of sql.exec<{ body: string }>("SELECT body FROM feed WHERE id = 1").toArray()) {
    sql.exec("UPDATE feed SET body = ? WHERE id = 1", JSON.stringify(rewrite(JSON.parse(body))));
  }
}
