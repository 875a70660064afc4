import { z } from "zod";

/**
 * A whole number as a query carries it: decimal digits alone. `Number()` would take `0x10`, `1e3`, ` 7 ` and nothing at
 * all, too; and 15 digits are below 2^53.
 */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, { error: "a whole number, please" })
  .transform(Number);
