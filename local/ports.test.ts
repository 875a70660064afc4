import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort, freePorts, isPortFree } from "./ports.ts";

test("a port in use is not free, and is free again once closed", async () => {
  const port = await freePort();
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  expect(await isPortFree(port)).toBe(false);
  server.close();
  await once(server, "close");
  expect(await isPortFree(port)).toBe(true);
});

test("no port is handed out twice, even when asked for at once", async () => {
  const ports = (await Promise.all([freePorts(50), freePorts(50)])).flat();
  expect(new Set(ports).size).toBe(100);
});
