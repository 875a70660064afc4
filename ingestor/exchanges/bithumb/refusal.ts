/** How Bithumb's REST API says no: some of its errors come with HTTP 200. */

import { z } from "zod";

/** Either generation's error. */
const failure = z.union([
  z.object({ error: z.object({ name: z.coerce.string(), message: z.string().default("") }) }),
  z.object({ status: z.string().regex(/^(?!0000$)/), message: z.string() }),
]);

/** What Bithumb says is wrong, or null when the body of its answer is no error. */
export function errorIn(body: unknown): string | null {
  const { success, data } = failure.safeParse(body);
  if (!success) return null;
  return "error" in data ? `${data.error.name}: ${data.error.message}` : `${data.status}: ${data.message}`;
}
