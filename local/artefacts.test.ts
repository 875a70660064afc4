import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { fetchedRedisServer, kafkaJars } from "./artefacts.ts";
import { findMaven } from "./find-program.ts";
import { requireKafka, requireRedis, temporaryFolder, unwrap } from "./testing.ts";

const kafka = await requireKafka();
const redis = await requireRedis();
const maven = await findMaven();
const folder = temporaryFolder();

/** For this test, PATH is one folder with these programs in it. */
async function withPath(programs: Record<string, string>): Promise<void> {
  const bin = join(folder(), "bin");
  await mkdir(bin);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const path = process.env["PATH"];
  process.env["PATH"] = bin;
  onTestFinished(() => {
    process.env["PATH"] = path;
  });
}

kafka.describe("what is in the cache", () => {
  test("needs neither Maven nor a download", async () => {
    await withPath({});
    expect(await kafkaJars({ onProgress: (message) => expect.fail(message) })).toEqual({
      ok: true,
      value: kafka.get().jars,
    });
  });
});

redis.describe("redis-server from Maven", () => {
  test.skipIf(!maven.ok)("runs, and its progress is reported", { timeout: 120_000 }, async () => {
    const messages: string[] = [];
    const binary = unwrap(
      await fetchedRedisServer({ cacheDir: folder(), onProgress: (message) => messages.push(message) }),
    );
    const { stdout } = await promisify(execFile)(binary, ["--version"]);
    expect(stdout).toContain("Redis server v=7.0.15");
    expect(messages[0]).toBe("fetching Redis (11 MB) with Maven…");
  });
});

test("without Maven: reason and remedy", async () => {
  await withPath({});
  expect(await kafkaJars({ cacheDir: folder() })).toEqual({
    ok: false,
    reason: "Maven was not found",
    remedy: expect.stringContaining("apt install maven"),
  });
});

test("what Maven complains about is reported", async () => {
  await withPath({ mvn: "echo '[ERROR] Could not transfer artifact'; exit 1" });
  expect(await kafkaJars({ cacheDir: folder() })).toMatchObject({
    ok: false,
    reason: expect.stringContaining("Maven could not fetch Kafka (46 jars, 43 MB): Could not transfer artifact"),
  });
});

test("a Maven that fetches nothing is not believed", async () => {
  await withPath({ mvn: "exit 0" });
  expect(await kafkaJars({ cacheDir: folder() })).toMatchObject({
    ok: false,
    reason: expect.stringContaining("nothing"),
  });
});
