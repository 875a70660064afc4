import * as z from "zod";
import { parseJson } from "../../protocol/json.ts";

/** The types that can be subscribed to; orderbook is accepted, but nothing is sent for it. */
const channels = z.enum(["ticker", "trade", "orderbook"]);
export type Channel = z.output<typeof channels>;

/** Echoed in the answer; a request without one is answered only when it fails. */
type RequestId = string | number | undefined;

/** A request to begin or to end with some symbols of a type. */
export interface SubscribeRequest {
  readonly method: "subscribe" | "unsubscribe";
  readonly type: Channel;
  readonly symbols: readonly string[];
  readonly requestId: RequestId;
}

/** Why a request is not fulfilled, in Korbit's words. */
export interface Failure {
  readonly code: "INVALID_REQUEST" | "INVALID_SYMBOL";
  readonly message: string;
}

/** One that cannot be read. */
interface Refused extends Failure {
  readonly method: "refused";
  readonly requestId: RequestId;
}

export type Request = SubscribeRequest | Refused;

const id = z.union([z.string(), z.number()]).optional().catch(undefined);
const wellFormed = z.object({
  method: z.enum(["subscribe", "unsubscribe"]),
  type: channels,
  symbols: z.array(z.string()).min(1),
});

/** Reads one client message, a JSON array of requests; undefined when it is anything else, even a single request. */
export function readRequests(text: string): Request[] | undefined {
  const requests = z.array(z.looseObject({ requestId: id })).safeParse(parseJson(text));
  return requests.success ? requests.data.map(readRequest) : undefined;
}

function readRequest(given: { readonly requestId?: RequestId }): Request {
  const { requestId } = given;
  const request = wellFormed.safeParse(given);
  if (request.success) return { ...request.data, symbols: [...new Set(request.data.symbols)], requestId };
  const [wrong] = request.error.issues.map(({ path }) => path[0]);
  const message = wrong === "symbols" ? "invalid_symbols" : `unknown_${String(wrong)}`;
  return { method: "refused", code: "INVALID_REQUEST", message, requestId };
}

/** The answer to a request that was fulfilled; undefined when it gave no id, since then there is none. */
export function successFrame(requestId: RequestId): string | undefined {
  return requestId === undefined ? undefined : JSON.stringify({ status: "success", requestId });
}

/** The answer to a request that was not fulfilled. */
export function failFrame({ code, message }: Failure, requestId: RequestId): string {
  return JSON.stringify({ status: "fail", code, message, requestId });
}

/** The answer to what is no array of requests. */
export const INVALID_FORMAT = JSON.stringify({ status: "fail", message: "invalid_format" });

/** A failure of the server's own. */
export function errorFrame(message: string): string {
  return JSON.stringify({ status: "error", message });
}
