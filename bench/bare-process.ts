/** A process that does nothing but send back what it is sent: forked by `bare.ts`, as what ours is compared with. */

import { monitorEventLoopDelay } from "node:perf_hooks";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
server.on("listening", () => process.send?.({ address: server.address() }));
// As the ingestor's metrics measure it.
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.on("message", () => {
  process.send?.({ loopDelay: delay.percentile(99) / 1e6 });
  delay.reset();
});
process.on("disconnect", () => process.exit());
