/** The limits that clients are told. Without schemas, because a browser needs them too. */

/**
 * What a socket may ask at most, and an address; said in `welcome` and `/v1/info`. An address may have
 * `connections_per_address` open to one object, an instrument's or a relay.
 */
export const LIMITS = {
  streams: 200,
  message_bytes: 32_768,
  messages_per_second: 10,
  connections_per_address: 500,
  connections_per_minute: 600,
  requests_per_minute: 1200,
} as const;
/** Over which those of an address are counted, seconds: after it, whoever has stayed away may ask again. */
export const RATE_PERIOD = 60;

/** Of a connection of many streams. Wildcards do not count as streams. */
export const MULTI_LIMITS = { ...LIMITS, wildcards: 20 } as const;
