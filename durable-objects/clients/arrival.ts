/** What the Worker says of a client whose socket it passes on, in the query of the upgrade. */

import type { WireFormat } from "../sockets.ts";

export interface Arrival {
  /** Names the socket, for the Worker that asks how it is doing. */
  readonly session: string;
  /** For which it counts; null where nobody says. */
  readonly address: string | null;
  /** In which the client takes frames. */
  readonly format: WireFormat;
}

export function arrivalOf(params: URLSearchParams): Arrival {
  return {
    session: params.get("session") ?? crypto.randomUUID(),
    address: params.get("address"),
    format: params.get("sse") === "1" ? "sse" : "json",
  };
}
