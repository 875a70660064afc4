/**
 * The format's version of the records in `ticks` and `raw` topics, in the header `format`. It is the one header that every
 * version reads: 1 is that of records without it, 2 names itself and is else the same.
 */

import type { IHeaders } from "kafkajs";

/** What is written. */
const FORMAT = 2;
const HEADER = "format";

/** The one byte of it. */
const OURS = String(FORMAT).charCodeAt(0);

/** To be among the headers of every record. */
export const FORMAT_HEADER = { [HEADER]: String(FORMAT) } as const;

/** Thrown for a record that a later version has written: what it says can't be told. */
export class NewerFormatError extends Error {
  override readonly name = "NewerFormatError";
}

/** @throws {NewerFormatError} */
export function checkFormat(headers: IHeaders | undefined, offset: string): void {
  const header = headers?.[HEADER];
  // Of nearly every record, and not to be made a text each time.
  if (header === undefined || (header.length === 1 && header[0] === OURS)) return;
  const format = header.toString();
  if (!/^\d+$/.test(format) || Number(format) <= FORMAT) return;
  throw new NewerFormatError(
    `the record at offset ${offset} is of format ${format}, and this version reads up to format ${FORMAT}: a later one has written it, and is needed to read it`,
  );
}
