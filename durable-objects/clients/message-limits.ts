/** How long a client's message may be, and what it costs. */

import { LIMITS } from "../../protocol/limits.ts";

/** So many bytes cost as much as a message of their own: reading long ones takes time that the other clients lack. */
const BYTES_FOR_ONE = 8192;

/** Encoding costs time and memory: what has too many characters already is too long by their number alone. */
export function bytesOf(message: string | ArrayBuffer): number {
  if (typeof message !== "string") return message.byteLength;
  return message.length > LIMITS.message_bytes ? message.length : new TextEncoder().encode(message).length;
}

export function isTooLong(bytes: number): boolean {
  return bytes > LIMITS.message_bytes;
}

/** As how many messages one of so many bytes counts: in full, since a bucket is full at 10. */
export function costOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BYTES_FOR_ONE));
}
