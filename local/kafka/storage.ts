import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { startProcess } from "../guarded-process.ts";
import { freePort, isPortFree } from "../ports.ts";
import { brokerProperties, type NodePorts } from "./config.ts";

/** What must be the same at every start over the same data, kept in `cluster.json`. */
const Cluster = z.object({
  clusterId: z.string(),
  ports: z.array(z.object({ broker: z.number(), controller: z.number() })),
});

/** The identity of the cluster in a data folder, and its ports at this start. */
export type Cluster = z.infer<typeof Cluster>;

/** The cluster of a data folder; undefined when it has none. */
export async function readCluster(dataDir: string): Promise<Cluster | undefined> {
  try {
    return Cluster.parse(JSON.parse(await readFile(join(dataDir, "cluster.json"), "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** A new cluster with an id as Kafka wants it: 16 bytes in base64url that no command line takes for an option. */
export function newCluster(): Cluster {
  const clusterId = randomBytes(16).toString("base64url");
  return clusterId.startsWith("-") ? newCluster() : { clusterId, ports: [] };
}

/** Written under another name first: half a file would cost the log its identity. */
export async function writeCluster(dataDir: string, cluster: Cluster): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, "cluster.json.tmp"), `${JSON.stringify(cluster, null, 2)}\n`);
  await rename(join(dataDir, "cluster.json.tmp"), join(dataDir, "cluster.json"));
}

/** Ports for every node: the asked-for ones, those of the last start where still free, else new ones. */
export async function choosePorts(nodes: number, last: readonly NodePorts[], asked?: number): Promise<NodePorts[]> {
  const ports: NodePorts[] = [];
  for (let index = 0; index < nodes; index++) {
    const broker = asked === undefined ? await stillFree(last[index]?.broker) : asked + index;
    ports.push({ broker, controller: await stillFree(last[index]?.controller) });
  }
  return ports;
}

async function stillFree(port: number | undefined): Promise<number> {
  return port !== undefined && (await isPortFree(port)) ? port : freePort();
}

/** Where a node's data lies, and how to run Kafka's storage tool. */
export interface FormatOptions {
  java: string;
  classPath: string;
  nodeDir: string;
  id: number;
  cluster: Cluster;
  logFile: string;
}

/**
 * Formats the storage of a node unless it is: a log is never formatted over.
 * It happens under another name, so that a run killed half-way leaves no half-formatted log.
 *
 * @throws Error with what the storage tool said.
 */
export async function formatStorage({ java, classPath, nodeDir, id, cluster, logFile }: FormatOptions): Promise<void> {
  const log = join(nodeDir, "log");
  if (await exists(log)) return;
  const unformatted = join(nodeDir, "log.formatting");
  await rm(unformatted, { recursive: true, force: true });
  await mkdir(unformatted, { recursive: true });
  const properties = join(nodeDir, "format.properties");
  await writeFile(properties, brokerProperties({ id, ports: cluster.ports, logDir: unformatted, fastFailover: false }));
  const tool = ["-cp", classPath, "kafka.tools.StorageTool", "format", "-t", cluster.clusterId, "-c", properties];
  const args = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", ...tool];
  const process = await startProcess({ command: java, args, logFile });
  const { code } = await process.exited;
  if (code !== 0) throw new Error(`formatting the storage failed: ${await process.failureLine()}`);
  await rm(properties);
  await rename(unformatted, log);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
