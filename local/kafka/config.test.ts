import { expect, test } from "vitest";
import { brokerProperties } from "./config.ts";

const node = (id: number) => ({ broker: 1000 + id, controller: 2000 + id });
const properties = (config: Parameters<typeof brokerProperties>[0]) => brokerProperties(config).split("\n");

test("one node keeps one copy of everything", () => {
  const lines = properties({ id: 1, ports: [node(1)], logDir: "/data/log", fastFailover: false });
  expect(lines).toContain("controller.quorum.voters=1@127.0.0.1:2001");
  expect(lines).toContain("advertised.listeners=PLAINTEXT://127.0.0.1:1001");
  expect(lines).toContain("auto.create.topics.enable=false");
  const copies = lines.filter((line) => /factor=|min\.isr=|insync/.test(line));
  expect(copies).toHaveLength(7);
  expect(copies.every((line) => line.endsWith("=1"))).toBe(true);
});

test("three nodes keep three copies and vote together", () => {
  const lines = properties({ id: 2, ports: [node(1), node(2), node(3)], logDir: "/data/log", fastFailover: true });
  expect(lines).toContain("node.id=2");
  expect(lines).toContain("controller.quorum.voters=1@127.0.0.1:2001,2@127.0.0.1:2002,3@127.0.0.1:2003");
  expect(lines).toContain("listeners=PLAINTEXT://127.0.0.1:1002,CONTROLLER://127.0.0.1:2002");
  expect(lines).toContain("min.insync.replicas=2");
  expect(lines).toContain("broker.session.timeout.ms=3000");
});

test("a backslash in a path stays one", () => {
  expect(properties({ id: 1, ports: [node(1)], logDir: "/a\\b", fastFailover: false })).toContain("log.dirs=/a\\\\b");
});

test("a node without ports is a mistake of ours", () => {
  const config = { id: 2, ports: [node(1)], logDir: "/data/log", fastFailover: false };
  expect(() => brokerProperties(config)).toThrow("No ports for node 2 of 1");
});
