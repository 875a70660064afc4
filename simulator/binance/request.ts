import { parseJson } from "../../protocol/json.ts";
import { isStreamName } from "./streams.ts";

/** As the client chose it, to be sent back with the answer. */
export type RequestId = number | string | null;

/** What a client asks for. */
export type Request =
  | { readonly kind: "subscribe" | "unsubscribe"; readonly id: RequestId; readonly streams: readonly string[] }
  | { readonly kind: "list" | "isCombined"; readonly id: RequestId }
  | { readonly kind: "combine"; readonly id: RequestId; readonly combined: boolean }
  | { readonly kind: "error"; readonly id?: RequestId; readonly code: number; readonly message: string };

const METHODS = ["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"] as const;

/** Reads one client message. */
export function readRequest(text: string): Request {
  const message = readObject(text);
  if (message === undefined)
    return { kind: "error", code: 3, message: "Invalid JSON: expected value at line 1 column 1" };
  if (!("id" in message) || !isId(message.id)) return invalid("request ID must be an unsigned integer");
  const { id, params = [] } = message;
  if (!("method" in message)) return invalid(`missing field \`method\` at line 1 column ${text.length}`, id);
  const method = METHODS.find((name) => name === message.method);
  if (!method) {
    const expected = METHODS.map((name) => `\`${name}\``).join(", ");
    return invalid(`unknown variant \`${String(message.method)}\`, expected one of ${expected}`, id);
  }
  if (!Array.isArray(params)) return invalid("params must be an array", id);
  if (method === "SUBSCRIBE" || method === "UNSUBSCRIBE") return readStreams(method, params, id);
  if (method !== "LIST_SUBSCRIPTIONS") return readProperty(method, params, id);
  return params.length > 0 ? invalid("too many parameters", id) : { kind: "list", id };
}

/** An error frame: with the request's id when that could be read. */
export function errorFrame(code: number, message: string, id?: RequestId): string {
  const error = { code, msg: message };
  return JSON.stringify(id === undefined ? error : { error, id });
}

function readStreams(method: "SUBSCRIBE" | "UNSUBSCRIBE", params: unknown[], id: RequestId): Request {
  if (params.length === 0) return invalid("params must name at least one stream, such as btcusdt@trade", id);
  if (!params.every((name) => typeof name === "string")) return invalid("a stream name must be a string", id);
  const wrong = params.find((name) => !isStreamName(name));
  if (wrong !== undefined) return invalid(`"${wrong}" is no stream name, such as btcusdt@trade`, id);
  return { kind: method === "SUBSCRIBE" ? "subscribe" : "unsubscribe", id, streams: params };
}

function readProperty(method: "SET_PROPERTY" | "GET_PROPERTY", params: unknown[], id: RequestId): Request {
  const [name, value] = params;
  if (typeof name !== "string") return invalid("property name must be a string", id);
  if (name !== "combined") return { kind: "error", code: 0, message: "Unknown property", id };
  if (params.length > (method === "SET_PROPERTY" ? 2 : 1)) return invalid("too many parameters", id);
  if (method === "GET_PROPERTY") return { kind: "isCombined", id };
  if (typeof value !== "boolean")
    return { kind: "error", code: 1, message: "Invalid value type: expected Boolean", id };
  return { kind: "combine", id, combined: value };
}

interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
}

function readObject(text: string): Message | undefined {
  const json = parseJson(text);
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined;
}

/** Binance takes 64-bit integers; beyond 2^53 we could not send the same one back. */
function isId(value: unknown): value is RequestId {
  return value === null || Number.isSafeInteger(value) || (typeof value === "string" && /^\w{1,36}$/.test(value));
}

function invalid(what: string, id?: RequestId): Request {
  const error = { kind: "error", code: 2, message: `Invalid request: ${what}` } as const;
  return id === undefined ? error : { ...error, id };
}
