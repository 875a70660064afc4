/** What a rejected `send()` says. */

/** The broker and the producer no longer agree on what comes next: only a new producer can go on. */
export function lostSequence(error: unknown): boolean {
  return /OUT_OF_ORDER_SEQUENCE|UNKNOWN_PRODUCER|INVALID_PRODUCER_EPOCH|out of order sequence|producer epoch/i.test(
    typeOf(error),
  );
}

/** The broker will never take this batch: it has not been written, and sending it again would be answered alike. */
export function isTooLarge(error: unknown): boolean {
  return /MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE/.test(typeOf(error));
}

function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const { cause } = error;
  return `${"type" in error ? String(error.type) : ""} ${error.message} ${typeOf(cause)}`;
}
