import { parseJson } from "../../protocol/json.ts";
import type { ChannelRequest } from "../upbit-protocol/channel-request.ts";
import type { Request } from "../upbit-protocol/connection.ts";
import { FORMATS, type Format } from "./frames.ts";

/** The error names Upbit documents for public sockets. */
type ErrorName = "WRONG_FORMAT" | "NO_TICKET" | "NO_TYPE" | "NO_CODES" | "INVALID_PARAM";

type UpbitRequest = Request<Format> | { readonly kind: "list"; readonly ticket: string };

/** One object of the array, by the keys that mean something. */
interface Part {
  readonly ticket?: unknown;
  readonly method?: unknown;
  readonly format?: unknown;
  readonly type?: unknown;
  readonly codes?: unknown;
  readonly is_only_snapshot?: unknown;
  readonly isOnlySnapshot?: unknown;
  readonly is_only_realtime?: unknown;
  readonly isOnlyRealtime?: unknown;
}

/** orderbook and candles are accepted, as they are by Upbit, but nothing is sent for them. */
const TYPES = /^(ticker|trade|orderbook|candle\.(1s|1m|3m|5m|10m|15m|30m|60m|240m))$/;

/** Reads one client message: the text `PING`, or a JSON array of a ticket, types with codes, and a format. */
export function readRequest(text: string): UpbitRequest {
  if (text === "PING") return { kind: "ping" };
  const parts = readParts(text);
  if (!parts) return error("WRONG_FORMAT", "요청 형식이 올바르지 않습니다.");
  const ticket = parts.map((part) => part.ticket).find((value) => typeof value === "string" && value !== "");
  if (typeof ticket !== "string") return error("NO_TICKET", "티켓이 존재하지 않습니다.");
  if (parts.some((part) => part.method === "LIST_SUBSCRIPTIONS")) return { kind: "list", ticket };
  const format = parts.map((part) => part.format).find((value) => value !== undefined) ?? "DEFAULT";
  const known = FORMATS.find((name) => name === format);
  if (!known) return error("INVALID_PARAM", "지원하지 않는 포맷입니다.");
  return readChannels(parts, known);
}

function readChannels(parts: readonly Part[], format: Format): Request<Format> {
  const wanted = parts.filter((part) => "type" in part || "codes" in part);
  if (wanted.length === 0 || wanted.some((part) => !("type" in part)))
    return error("NO_TYPE", "타입이 존재하지 않습니다.");
  const channels: ChannelRequest[] = [];
  for (const part of wanted) {
    const { type, codes } = part;
    if (typeof type !== "string" || !TYPES.test(type)) return error("INVALID_PARAM", "지원하지 않는 타입입니다.");
    if (codes === undefined) return error("NO_CODES", "코드가 존재하지 않습니다.");
    if (!isTexts(codes) || codes.length === 0) return error("INVALID_PARAM", "코드가 올바르지 않습니다.");
    // The camelCase names are those of 2021; clients written then still send them.
    const snapshotOnly = (part.is_only_snapshot ?? part.isOnlySnapshot) === true;
    const realtimeOnly = (part.is_only_realtime ?? part.isOnlyRealtime) === true;
    channels.push({ type, codes: [...new Set(codes)], snapshot: !realtimeOnly, realtime: !snapshotOnly });
  }
  return { kind: "subscribe", format, channels };
}

function readParts(text: string): Part[] | undefined {
  const json = parseJson(text);
  return Array.isArray(json) && json.every(isPart) ? json : undefined;
}

function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function error(name: ErrorName, message: string): Request<Format> {
  return { kind: "error", name, message };
}
