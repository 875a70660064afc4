/** The partition of an instrument: the one that any standard Kafka producer would choose for its name as a key. */

import { Partitioners } from "kafkajs";

/** @param partitions how many the topic has */
export function createPartitioner(partitions: number): (instrument: string) => number {
  const choose = Partitioners.DefaultPartitioner();
  const known = new Map<string, number>();
  const anywhere = { partitionErrorCode: 0, leader: 0, replicas: [], isr: [] };
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, ...anywhere }));
  return (instrument) => {
    const before = known.get(instrument);
    if (before !== undefined) return before;
    const partition = choose({ topic: "", partitionMetadata, message: { key: instrument, value: null } });
    known.set(instrument, partition);
    return partition;
  };
}
