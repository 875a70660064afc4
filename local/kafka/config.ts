/** The ports of one node on 127.0.0.1: for clients, and for the quorum of controllers. */
export interface NodePorts {
  broker: number;
  controller: number;
}

/** What the configuration of one node depends on. */
export interface NodeConfig {
  /** 1, 2, …: the index into `ports` plus one. */
  id: number;
  /** Of every node of the cluster. */
  ports: readonly NodePorts[];
  /** The folder of its log. */
  logDir: string;
  /** Notice a dead node within seconds, for tests; Kafka's own figures are 9 s and more. */
  fastFailover: boolean;
}

/**
 * How soon a silent broker counts as dead; 9 s by default. A lone node always takes the short time: none can take over
 * from it, but after a kill -9 it is let in again only when the session of its former life has run out.
 */
const SHORT_SESSION = { "broker.session.timeout.ms": 3_000, "broker.heartbeat.interval.ms": 500 };
const FAST_FAILOVER = {
  ...SHORT_SESSION,
  "controller.quorum.election.timeout.ms": 500,
  "controller.quorum.fetch.timeout.ms": 1_000,
};

/** The `broker.properties` of a node that is broker and controller at once (KRaft, no ZooKeeper). */
export function brokerProperties({ id, ports, logDir, fastFailover }: NodeConfig): string {
  const own = ports[id - 1];
  if (!own) throw new RangeError(`No ports for node ${id} of ${ports.length}`);
  const copies = ports.length;
  const inSync = copies > 1 ? 2 : 1;
  const properties = {
    "process.roles": "broker,controller",
    "node.id": id,
    "controller.quorum.voters": ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`).join(","),
    listeners: `PLAINTEXT://127.0.0.1:${own.broker},CONTROLLER://127.0.0.1:${own.controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${own.broker}`,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "log.dirs": logDir,
    // Topics need the right number of partitions: a misspelt name must not make one.
    "auto.create.topics.enable": false,
    // No second consumer is about to join: don't wait 3 s for it.
    "group.initial.rebalance.delay.ms": 0,
    "default.replication.factor": copies,
    "min.insync.replicas": inSync,
    "offsets.topic.replication.factor": copies,
    "transaction.state.log.replication.factor": copies,
    "transaction.state.log.min.isr": inSync,
    "share.coordinator.state.topic.replication.factor": copies,
    "share.coordinator.state.topic.min.isr": inSync,
    // 50 by default: much to create at the first start, and to open at every other.
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.num.partitions": 3,
    "share.coordinator.state.topic.num.partitions": 3,
    // Preallocated for every partition, 10 MB by default.
    "log.index.size.max.bytes": 1_048_576,
    ...(copies === 1 ? SHORT_SESSION : {}),
    ...(fastFailover ? FAST_FAILOVER : {}),
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${escapeValue(String(value))}\n`)
    .join("");
}

/** In a properties file a backslash starts an escape; a leading blank would be dropped. */
function escapeValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replace(/^ /, "\\ ");
}
