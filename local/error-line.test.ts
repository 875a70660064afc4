import { expect, test } from "vitest";
import { errorLine } from "./error-line.ts";

const KAFKA = `[2026-11-25 20:00:00] INFO [BrokerServer id=1] starting (kafka.server.BrokerServer)
[2026-11-25 20:00:01] ERROR Error while writing to log (o.a.k.s.i.log.LogDirFailureChannel)
java.io.IOException: No space left on device
\tat java.base/sun.nio.ch.FileDispatcherImpl.write0(Native Method)
\t... 12 more
[2026-11-25 20:00:02] INFO [BrokerServer id=1] shut down completed (kafka.server.BrokerServer)
`;

test.each([
  ["", ""],
  ["\n \n", ""],
  ["starting\nout of luck\n", "out of luck"],
  [KAFKA, "java.io.IOException: No space left on device"],
  ['{"level":30,"msg":"ends"}', "ends"],
  [
    '{"level":60,"msg":"can\'t go on","err":{"message":"no broker"}}\n{"level":30,"msg":"ends"}',
    "can't go on: no broker",
  ],
  ['{"msg":"it failed","reason":"it failed"}', "it failed"],
  ['{"level":50,"error":1}', '{"level":50,"error":1}'],
  ["{ error", "{ error"],
  ["x".repeat(1_000), "x".repeat(300)],
])("of %j it is %j", (log, line) => {
  expect(errorLine(log)).toBe(line);
});
