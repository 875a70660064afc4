/** What a relay's logic asks of the object around it. */

import type { ResumeOutcome } from "../../protocol/edge-counts.ts";
import type { ProtocolError } from "../../protocol/errors.ts";
import type { RelayRequest } from "../../protocol/relay-frames.ts";
import type { OutgoingFrame } from "./outgoing-frames.ts";

export interface RelayPorts<Client> {
  /** Sends a live frame. */
  send(client: Client, frame: OutgoingFrame): void;
  /** Sends what a client asked for all at once: that it is behind by it is no sign of slowness. */
  sendAtOnce(client: Client, frames: readonly OutgoingFrame[]): void;
  /** Whether the client has taken what it was sent at once, so that there may be more of it. */
  hasRoom(client: Client): boolean;
  /** Sends the client away, with the reason. The relay has forgotten it already. */
  close(client: Client, error: ProtocolError): void;
  /** Opens the link to a partition feed, `upbit/2`, and keeps opening it until it is hung up. */
  dial(partition: string): void;
  /** Nobody wants anything of the partition any more. */
  hangUp(partition: string): void;
  /** Says something on an open link. */
  request(partition: string, request: RelayRequest): void;
  /** A client has subscribed to a stream, or in one partition to those of a wildcard. */
  resumed(exchange: string, outcome: ResumeOutcome): void;
}
