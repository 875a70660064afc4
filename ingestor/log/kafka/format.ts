/**
 * The version of the format of records in `ticks` and `raw` topics: what the header `format` begins with. It is the one
 * header that every version reads; records without it are of format 1, and 2 is the same but for naming itself.
 *
 * In `ticks` the record's count stands behind it (`2:1077`): kafkajs takes 2 µs to write a header and 1 µs to read one, so
 * there it takes the place of the header `count`.
 */

import type { IHeaders } from "kafkajs";

/** What is written. */
const FORMAT = 2;
const HEADER = "format";

const [OURS, COLON] = [String(FORMAT), ":"].map((text) => text.charCodeAt(0));

/** To be among the headers of a record. @param count of a record that is counted */
export function formatHeader(count?: number): { readonly [HEADER]: string } {
  return { [HEADER]: count === undefined ? String(FORMAT) : `${FORMAT}:${count}` };
}

/** The count of a record, as {@link formatHeader} or format 1 says it; 0 where none is said. */
export function countOf(headers: IHeaders | undefined): number {
  const header = headers?.[HEADER]?.toString();
  if (header === undefined) return Number(headers?.["count"]?.toString() ?? 0);
  const colon = header.indexOf(":");
  return colon < 0 ? 0 : Number(header.slice(colon + 1));
}

/** Thrown for a record that a later version has written: what it says can't be told. */
export class NewerFormatError extends Error {
  override readonly name = "NewerFormatError";
}

/** @throws {NewerFormatError} */
export function checkFormat(headers: IHeaders | undefined, offset: string): void {
  const header = headers?.[HEADER];
  // Of nearly every record, and not to be made a text each time.
  if (header === undefined || (header[0] === OURS && (header.length === 1 || header[1] === COLON))) return;
  const [format = ""] = header.toString().split(":");
  if (!/^\d+$/.test(format) || Number(format) <= FORMAT) return;
  throw new NewerFormatError(
    `the record at offset ${offset} is of format ${format}, and this version reads up to format ${FORMAT}: a later one has written it, and is needed to read it`,
  );
}
