import { z } from "zod";
import { parseJson } from "../../protocol/json.ts";
import type { ChannelRequest } from "../upbit-protocol/channel-request.ts";
import type { Request } from "../upbit-protocol/connection.ts";
import type { Format } from "./frames.ts";

const anything = z.unknown().optional();

/** One object of the array, by the keys that mean something; the documented is_only_… do not. */
const part = z.object({
  ticket: anything,
  format: anything,
  type: anything,
  codes: anything,
  isOnlySnapshot: anything,
  isOnlyRealtime: anything,
});
type Part = z.infer<typeof part>;

/** orderbook is accepted, as it is by Bithumb, but nothing is sent for it. */
const TYPES: readonly unknown[] = ["ticker", "trade", "orderbook"];
const isCodes = z.array(z.string()).nonempty();

/** Reads one client message: the text `PING`, or a JSON array of a ticket, types with codes, and a format. */
export function readRequest(text: string): Request<Format> {
  if (text === "PING") return { kind: "ping" };
  const parts = z.array(part).safeParse(parseJson(text)).data;
  if (!parts) return error("WRONG_FORMAT", "Format 이 맞지 않습니다.");
  if (!parts.some(({ ticket }) => typeof ticket === "string" && ticket !== ""))
    return error("NO_TICKET", "티켓이 존재하지 않거나, 유효하지 않습니다.");
  const wanted = parts.filter((one) => one.type !== undefined || one.codes !== undefined);
  if (wanted.length === 0) return error("INVALID_PARAM", "type 필드가 비어 있습니다.");
  const channels: ChannelRequest[] = [];
  for (const one of wanted) {
    const channel = readChannel(one);
    if (typeof channel === "string") return error("INVALID_PARAM", channel);
    channels.push(channel);
  }
  // Anything that is no format of Bithumb's is taken for DEFAULT.
  const format = parts.some((one) => one.format === "SIMPLE") ? "SIMPLE" : "DEFAULT";
  return { kind: "subscribe", format, channels };
}

/** A channel, or what is wrong with it. */
function readChannel({ type, codes, isOnlySnapshot, isOnlyRealtime }: Part): ChannelRequest | string {
  if (typeof type !== "string" || !TYPES.includes(type)) return `${String(type)} 은 지원하지 않는 타입입니다.`;
  const list = isCodes.safeParse(codes).data;
  if (!list) return "codes 필드가 비어 있습니다.";
  return { type, codes: [...new Set(list)], snapshot: isOnlyRealtime !== true, realtime: isOnlySnapshot !== true };
}

function error(name: string, message: string): Request<Format> {
  return { kind: "error", name, message };
}
