/**
 * Asks Kafka again what it can't answer yet. Just after a start, or when a leader or coordinator has moved, a broker says so
 * by an error that its protocol calls retriable; kafkajs retries some of them itself, and takes the rest for final:
 * `fetchOffsets` all of them, `fetchTopicOffsets` and `subscribe` most.
 */

import { backOff } from "exponential-backoff";
import kafkajs from "kafkajs";

/** About 20 s in all: a coordinator has loaded its groups, and a leader has been elected, long before. */
const ATTEMPTS = 24;

/** @throws what a repeat would not change, and what is still so after 20 s */
export function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  return backOff(ask, { startingDelay: 50, maxDelay: 1000, numOfAttempts: ATTEMPTS, retry: isRetriable });
}

/** Of what a broker answered. Connections are kafkajs' own affair: it has tried those again for long enough. */
function isRetriable(error: unknown): boolean {
  return error instanceof kafkajs.KafkaJSProtocolError && error.retriable;
}
