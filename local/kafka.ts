import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Found, found, messageOf, missing } from "./found.ts";
import { KafkaNode } from "./kafka/node.ts";
import { choosePorts, newCluster, readCluster, writeCluster } from "./kafka/storage.ts";
import { isPortFree } from "./ports.ts";

/** How to start a Kafka. */
export interface KafkaOptions {
  /** Holds the log; a later start with the same folder carries on with it. */
  dataDir: string;
  /** The folder of Kafka's jars. */
  jars: string;
  /** The path of `java`, 17 or newer. */
  java: string;
  /** 1 by default; with 3 every topic has three copies and one node may die. */
  nodes?: 1 | 3;
  /** The first node's port for clients, the next nodes take the next ones; by default the last start's, or free ones. */
  port?: number;
  /** Notice a dead node within seconds, for tests. */
  fastFailover?: boolean;
  /** Where each node's output goes; `dataDir/logs` by default. */
  logDir?: string;
  onProgress?: (message: string) => void;
}

/** A running Kafka. */
export interface Kafka {
  /** `host:port` of every node. */
  brokers: string[];
  nodes: KafkaNode[];
  /** Ends all nodes in good order, which takes some seconds; resolves when they are gone. */
  stop(): Promise<void>;
  /** kill -9 of all nodes. */
  kill(): Promise<void>;
}

/** Starts a real Apache Kafka (KRaft) on 127.0.0.1; resolves when every node serves. */
export async function startKafka(options: KafkaOptions): Promise<Found<Kafka>> {
  const logDir = options.logDir ?? join(options.dataDir, "logs");
  let nodes: KafkaNode[] = [];
  try {
    const prepared = await prepareNodes(options, logDir);
    if (!prepared.ok) return prepared;
    nodes = prepared.value;
    options.onProgress?.(nodes.length === 1 ? "starting Kafka…" : `starting Kafka (${nodes.length} nodes)…`);
    // Together: a node alone waits for the majority of the quorum.
    await settle(nodes.map((node) => node.launch()));
    await settle(nodes.map((node) => node.serves(nodes.length)));
  } catch (error) {
    await Promise.all(nodes.map((node) => node.kill()));
    return missing(`Kafka did not start: ${messageOf(error)}`, `see the logs in ${logDir}`);
  }
  return found({
    brokers: nodes.map((node) => node.broker),
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
    async kill() {
      await Promise.all(nodes.map((node) => node.kill()));
    },
  });
}

async function prepareNodes(options: KafkaOptions, logDir: string): Promise<Found<KafkaNode[]>> {
  const { dataDir, nodes = 1 } = options;
  const last = await readCluster(dataDir);
  if (last && last.ports.length !== nodes) {
    return missing(
      `${dataDir} holds the log of a Kafka of ${last.ports.length} node(s), not ${nodes}`,
      "start it with as many nodes, or use another data folder",
    );
  }
  const cluster = { ...(last ?? newCluster()), ports: await choosePorts(nodes, last?.ports ?? [], options.port) };
  for (const { broker } of cluster.ports) {
    if (!(await isPortFree(broker)))
      return missing(`port ${broker} for Kafka is taken`, "free it, or choose another port");
  }
  await writeCluster(dataDir, cluster);
  await mkdir(logDir, { recursive: true });
  const { java, jars, fastFailover = false, onProgress } = options;
  const made = cluster.ports.map((_, index) => {
    return new KafkaNode({ id: index + 1, cluster, dataDir, logDir, java, jars, fastFailover, onProgress });
  });
  await settle(made.map((node) => node.prepare()));
  return found(made);
}

/** Like Promise.all, but throws only when all have ended: what a failed start leaves must be known to be stopped. */
async function settle(promises: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
