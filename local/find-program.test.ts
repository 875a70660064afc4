import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findJava, findOnPath } from "./find-program.ts";
import { temporaryFolder } from "./testing.ts";

const folder = temporaryFolder();

/** A folder with a `java` that says it is of this version. */
async function javaOf(version: string): Promise<string> {
  const bin = join(folder(), version, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "java"), `#!/bin/sh\n${version ? `echo 'openjdk version "${version}"' >&2` : "exit 1"}\n`);
  await chmod(join(bin, "java"), 0o755);
  return join(folder(), version);
}

test("a Java that is new enough is found, the one of JAVA_HOME first", async () => {
  const home = await javaOf("21.0.1");
  const onPath = await javaOf("17.0.15");
  expect(await findJava({ JAVA_HOME: home, PATH: join(onPath, "bin") })).toEqual({
    ok: true,
    value: join(home, "bin/java"),
  });
  expect(await findJava({ PATH: join(onPath, "bin") })).toEqual({ ok: true, value: join(onPath, "bin/java") });
});

test("an old JAVA_HOME does not hide a newer Java on PATH", async () => {
  const onPath = await javaOf("17");
  const java = await findJava({ JAVA_HOME: await javaOf("1.8.0_292"), PATH: join(onPath, "bin") });
  expect(java).toEqual({ ok: true, value: join(onPath, "bin/java") });
});

test("what is not executable is not a program", async () => {
  await writeFile(join(folder(), "tool"), "");
  expect(await findOnPath("tool", folder())).toBe(undefined);
  expect(await findOnPath(join(folder(), "tool"))).toBe(undefined);
  expect(await findOnPath("..", folder())).toBe(undefined);
});

test.each([
  ["no Java", undefined, "Java was not found"],
  ["the one of macOS that only says there is none", "", "Java was not found"],
  ["Java 8", "1.8.0_292", "is Java 8; Kafka needs 17 or newer"],
  ["Java 11", "11.0.2", "is Java 11; Kafka needs 17 or newer"],
])("%s: reason and remedy", async (_, version, reason) => {
  const path = version === undefined ? folder() : join(await javaOf(version), "bin");
  const java = await findJava({ PATH: path });
  // A Java of Homebrew may be there all the same.
  if (!java.ok)
    expect(java).toEqual({
      ok: false,
      reason: expect.stringContaining(reason),
      remedy: expect.stringContaining("brew"),
    });
  else expect(java.value).toMatch(/openjdk/);
});
