import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { expect, onTestFinished, test } from "vitest";
import { startRedis } from "./redis.ts";
import { isAlive, requireRedis, temporaryFolder, until, unwrap } from "./testing.ts";

const redis = await requireRedis();
const folder = temporaryFolder();

redis.describe("Redis", () => {
  const started = async (port?: number) => {
    const options = { ...redis.get(), dataDir: folder(), ...(port === undefined ? {} : { port }) };
    const server = unwrap(await startRedis(options));
    onTestFinished(() => server.stop());
    return server;
  };
  const ask = async (url: string, command: string[]) => {
    const client = await createClient({ url }).connect();
    const answer = await client.sendCommand(command);
    client.destroy();
    return answer;
  };

  test("serves, and starts again empty on the same port after kill -9", async () => {
    const server = await started();
    await ask(server.url, ["SET", "price", "1"]);
    const { pid } = server;
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    await server.start();
    expect(server.pid).not.toBe(pid);
    expect(await ask(server.url, ["GET", "price"])).toBe(null);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
  });

  test("what keeps it from starting is reported", async () => {
    const { port } = await started();
    const second = await startRedis({ ...redis.get(), dataDir: folder(), port });
    expect(second).toMatchObject({ ok: false, reason: `port ${port} for Redis is taken` });
    const broken = await startRedis({ binary: "/no/such/redis", dataDir: folder() });
    expect(broken).toMatchObject({ ok: false, reason: expect.stringContaining("Can't start /no/such/redis") });
    const exits = await startRedis({ binary: "false", dataDir: folder() });
    expect(exits).toMatchObject({ ok: false, reason: expect.stringContaining("ended with code 1") });
  });

  test("kill -9 of the parent leaves no Redis behind", async () => {
    const script = join(folder(), "parent.ts");
    await writeFile(
      script,
      `import { startRedis } from ${JSON.stringify(join(import.meta.dirname, "redis.ts"))};
       const redis = await startRedis(${JSON.stringify({ ...redis.get(), dataDir: folder() })});
       console.log(redis.value.pid);`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    const [pid] = await once(parent.stdout, "data");
    expect(isAlive(Number(pid))).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(Number(pid)));
  });
});
