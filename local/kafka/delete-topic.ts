/** Takes a topic away, for tests of what happens then. */

import type { Kafka } from "kafkajs";
import { until } from "../testing.ts";

/** Resolves once it has gone: the broker answers before that, and what it takes in between is in the old topic. */
export async function deleteTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [topic] });
    await until(async () => !(await admin.listTopics()).includes(topic));
  } finally {
    await admin.disconnect();
  }
}
