/** A Kafka to read from, for as long as something takes. */

import type { Admin, Kafka } from "kafkajs";
import { askAgain } from "../log/kafka/ask-again.ts";
import { createKafka, names } from "../log/kafka/client.ts";
import { createLogger, reasonOf } from "../logger.ts";
import { findKafka, type KafkaOptions, simulatedPrefix } from "../verify/find-kafka.ts";

export interface Client {
  readonly kafka: Kafka;
  readonly admin: Admin;
  /** The names of an exchange's topics, of which the one asked for exists. */
  topicsOf(exchange: string, kind: "raw" | "ticks"): Promise<{ readonly raw: string; readonly ticks: string }>;
}

/**
 * @throws {ConfigError} when it can't be told which Kafka
 * @throws when it can't be reached, or `work` fails: says which Kafka
 */
export async function withKafka<T>(
  options: KafkaOptions,
  env: NodeJS.ProcessEnv,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const settings = findKafka(options, env, ["sim", "live"]);
  const kafka = createKafka(settings, createLogger("silent"));
  const admin = kafka.admin();
  try {
    await admin.connect();
    const isGiven = options.prefix !== undefined;
    return await work({
      kafka,
      admin,
      topicsOf: async (exchange, kind) => {
        return names(await findPrefix(admin, exchange, kind, { prefix: settings.prefix, isGiven }), exchange);
      },
    });
  } catch (error) {
    throw new Error(`cannot read from Kafka at ${settings.brokers.join(",")}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await admin.disconnect();
  }
}

/**
 * The prefix under which a topic exists: the one given, else that and the one of simulated prices.
 *
 * @throws when neither does; says which there are
 */
export async function findPrefix(
  admin: Admin,
  exchange: string,
  kind: "raw" | "ticks",
  { prefix, isGiven }: { readonly prefix: string; readonly isGiven: boolean },
): Promise<string> {
  const topics = await askAgain(() => admin.listTopics());
  const prefixes = isGiven ? [prefix] : [prefix, simulatedPrefix(prefix)];
  const found = prefixes.find((one) => topics.includes(names(one, exchange)[kind]));
  if (found !== undefined) return found;
  const wanted = prefixes.map((one) => names(one, exchange)[kind]).join(" or ");
  const others = topics.filter((topic) => topic.includes(`${kind}.`)).sort();
  throw new Error(
    `there is no topic ${wanted}: ${others.length > 0 ? `there is ${others.join(", ")}` : "nor a similar one"}`,
  );
}
