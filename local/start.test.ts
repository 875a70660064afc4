import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { healthBody, restTicker } from "../protocol/rest.ts";
import { freePort, isPortFree } from "./ports.ts";
import { isAlive, requireKafka, requireRedis, temporaryFolder, until } from "./testing.ts";

const kafka = await requireKafka();
const redis = await requireRedis();
const folder = temporaryFolder();

/** `npm start` with its output so far. */
async function start(env: NodeJS.ProcessEnv = {}, args: string[] = []) {
  const port = env["PORT"] ?? String(await freePort());
  const program = ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "start.ts"), ...args];
  const settings = { ...process.env, SOURCE: "sim", DATA_DIR: join(folder(), "data"), PORT: port, ...env };
  const child = spawn(process.execPath, program, { env: settings, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", (line) => lines.push(line));
  const exited = once(child, "close").then(([code]) => Number(code));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  return { child, lines, exited, port, url: `http://127.0.0.1:${port}` };
}

type Running = Awaited<ReturnType<typeof start>>;

async function ready({ lines, exited }: Running): Promise<string> {
  let over = false;
  void exited.then(() => {
    over = true;
  });
  const line = () => lines.find((one) => one.startsWith("ready"));
  await until(() => over || line() !== undefined);
  return line() ?? lines.join("\n");
}

async function ticker({ url }: Running) {
  const { epoch, seq, ticker } = restTicker.parse(await (await fetch(`${url}/v1/tickers/upbit/BTC-KRW`)).json());
  return { epoch, seq: seq ?? 0, price: ticker?.price };
}

async function expectNothingLeft({ lines, port }: Running): Promise<void> {
  const ingestor = /process (\d+)/.exec(lines.find((line) => line.startsWith("ingestor")) ?? "")?.[1];
  await until(() => !isAlive(Number(ingestor)));
  await until(() => isPortFree(Number(port)));
  // Of every part but the ingestor the command line names the data folder.
  await until(async () => !(await processes()).includes(folder()));
}

async function processes(): Promise<string> {
  const ps = spawn("ps", ["-eo", "args="], { stdio: ["ignore", "pipe", "inherit"] });
  return (await ps.stdout.toArray()).join("");
}

kafka.describe("with Kafka", () => {
  redis.describe("and Redis", () => {
    test("prices flow, all ends in order, and a second start carries on", async () => {
      const first = await start();
      expect(await ready(first)).toBe(`ready http://localhost:${first.port} mode=kafka+redis source=simulated`);
      const health = await fetch(`${first.url}/v1/health`);
      expect([health.status, await health.json()]).toMatchObject([
        200,
        { mode: "kafka+redis", status: "ok", hints: [] },
      ]);
      const before = await ticker(first);
      expect(before.price).toMatch(/^\d+$/);

      const contender = await start({ PORT: String(await freePort()) });
      expect(await contender.exited).toBe(1);
      expect(contender.lines).toEqual([expect.stringContaining(`is in use by process ${first.child.pid}`)]);

      first.child.kill("SIGTERM");
      first.child.kill("SIGTERM"); // as npm passes on what the terminal has given to all
      expect(await first.exited).toBe(0);
      await expectNothingLeft(first);

      const second = await start();
      expect(await ready(second)).toContain("mode=kafka+redis");
      const after = await ticker(second);
      expect(after.epoch).toBe(before.epoch);
      expect(after.seq).toBeGreaterThan(before.seq);
      second.child.kill("SIGKILL"); // the guardians see to the rest
      await second.exited;
      await expectNothingLeft(second);

      const fresh = await start({}, ["--fresh"]);
      expect(await ready(fresh)).toContain("mode=kafka+redis");
      expect((await ticker(fresh)).epoch).not.toBe(before.epoch);
      fresh.child.kill("SIGINT");
      expect(await fresh.exited).toBe(0);
    }, 150_000);
  });
});

test("on a bare machine it runs without Kafka and Redis, and says how to get them", async () => {
  const path = join(folder(), "bin");
  await mkdir(path);
  const bare = await start({ PATH: path, JAVA_HOME: "", CACHE_DIR: join(folder(), "cache") });
  expect(await ready(bare)).toContain("mode=direct source=simulated");
  const { hints } = healthBody.parse(await (await fetch(`${bare.url}/v1/health`)).json());
  expect(hints.toSorted().reverse()).toEqual([
    expect.stringMatching(/^no Redis: .*install/),
    expect.stringMatching(/^no Kafka: .*install/),
  ]);
  bare.child.kill("SIGTERM");
  expect(await bare.exited).toBe(0);
  await expectNothingLeft(bare);
});

test("a part that is killed is started again", async () => {
  const stack = await start({ PATH: join(folder(), "none"), JAVA_HOME: "", CACHE_DIR: join(folder(), "cache") });
  await ready(stack);
  process.kill(Number(/process (\d+)/.exec(stack.lines.join("\n"))?.[1]), "SIGKILL");
  await until(() => stack.lines.some((line) => /^ingestor +is back/.test(line)));
  stack.child.kill("SIGTERM");
  expect(await stack.exited).toBe(0);
});

test("a signal during the start ends what is up", async () => {
  const stack = await start();
  await until(() => stack.lines.some((line) => line.startsWith("redis") || line.startsWith("simulator")));
  stack.child.kill("SIGINT");
  expect(await stack.exited).toBe(0);
  expect(await ready(stack)).not.toContain("ready");
  await expectNothingLeft(stack);
});

test("a busy port and wrong values are one clear line", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const address = other.address();
  const port = String(typeof address === "object" ? address?.port : "");
  const busy = await start({ PORT: port });
  expect(await busy.exited).toBe(1);
  expect(busy.lines).toEqual([`port ${port} is taken: end what uses it, or set PORT to another one`]);
  const wrong = await start({ SOURCE: "real" });
  expect(await wrong.exited).toBe(2);
  expect(wrong.lines).toEqual(["SOURCE=real: use live, sim, auto"]);
  const option = await start({}, ["--frsh"]);
  expect(await option.exited).toBe(2);
  expect(option.lines[0]).toBe("error: unknown option '--frsh'");
});
