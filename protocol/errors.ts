/** The one catalogue of errors: PROTOCOL.md §8 is made of these entries. */

interface ErrorSpec {
  /** WebSocket close code; the range tells a client what to do with a code it does not know. */
  readonly close: number | null;
  /** HTTP status of the same error over REST. */
  readonly status: number | null;
  readonly retryable: boolean;
  readonly title: string;
}

export const ERRORS = {
  bad_request: { close: 4200, status: 400, retryable: false, title: "Bad request" },
  unknown_instrument: { close: 4204, status: 404, retryable: false, title: "Unknown instrument" },
  unknown_stream: { close: 4204, status: 404, retryable: false, title: "Unknown stream" },
  not_found: { close: 4204, status: 404, retryable: false, title: "Not found" },
  method_not_allowed: { close: null, status: 405, retryable: false, title: "Method not allowed" },
  unauthorized: { close: 4201, status: 401, retryable: false, title: "Unauthorized" },
  forbidden: { close: 4203, status: 403, retryable: false, title: "Forbidden" },
  too_many_streams: { close: null, status: 400, retryable: false, title: "Too many streams" },
  rate_limited: { close: 4100, status: 429, retryable: true, title: "Rate limited" },
  overloaded: { close: 4101, status: 503, retryable: true, title: "Overloaded" },
  slow_consumer: { close: 4001, status: null, retryable: true, title: "Slow consumer" },
  restarting: { close: 4000, status: 503, retryable: true, title: "Restarting" },
  internal: { close: 4102, status: 500, retryable: true, title: "Internal error" },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** What a frame or a problem document says of an error. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** An error that a client is told about: `message` names what is wrong and what would be right. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  get body(): ErrorBody {
    return errorBody(this.code, this.message);
  }
}

/** @example errorBody("restarting", "the feed is catching up") */
export function errorBody(code: ErrorCode, message: string): ErrorBody {
  return { code, message, retryable: ERRORS[code].retryable };
}

/** The close code of an error; errors that never close a socket fall back to that of a bad request. */
export function closeCode(code: ErrorCode): number {
  return ERRORS[code].close ?? ERRORS.bad_request.close;
}

/** What a client may do after a close code of ours: see PROTOCOL.md §8. */
export function afterClose(code: number): "reconnect" | "back_off" | "stop" {
  if (code >= 4200 && code < 4300) return "stop";
  return code >= 4100 && code < 4200 ? "back_off" : "reconnect";
}
