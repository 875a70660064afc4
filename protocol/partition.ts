/**
 * The partition of an instrument in the log of its exchange: the one that every standard Kafka producer chooses for its name
 * as a key. Ingestor, Worker and objects must agree on it: whoever wants an instrument must know where to look.
 */

/** Partitions of a topic that is made, unless its ingestor is told otherwise. The registry knows how many there really are. */
export const DEFAULT_PARTITIONS = 4;

/** @param partitions how many the topic has */
export function createPartitioner(partitions: number): (instrument: string) => number {
  const known = new Map<string, number>();
  return (instrument) => {
    const before = known.get(instrument);
    if (before !== undefined) return before;
    // Kafka makes a hash positive by dropping its sign bit.
    const partition = (murmur2(new TextEncoder().encode(instrument)) & 0x7fffffff) % partitions;
    known.set(instrument, partition);
    return partition;
  };
}

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** MurmurHash2 in 32 bits, as in Kafka's `org.apache.kafka.common.utils.Utils`: signed. */
function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const whole = bytes.length - (bytes.length % 4);
  let hash = SEED ^ bytes.length;
  for (let i = 0; i < whole; i += 4) {
    const word = Math.imul(view.getInt32(i, true), M);
    hash = Math.imul(hash, M) ^ Math.imul(word ^ (word >>> 24), M);
  }
  if (whole < bytes.length) {
    for (let i = bytes.length - 1; i >= whole; i -= 1) hash ^= view.getUint8(i) << (8 * (i - whole));
    hash = Math.imul(hash, M);
  }
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}
