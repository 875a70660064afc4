import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startProcess } from "./guarded-process.ts";
import { isAlive, temporaryFolder, until } from "./testing.ts";

const folder = temporaryFolder();
const logFile = () => join(folder(), "logs", "process.log");
const logHas = async (text: string) => (await readFile(logFile(), "utf8")).includes(text);

test("output goes to the log file, the exit code to exited", async () => {
  const args = ["-c", "echo out; echo err >&2; exit 3"];
  for (const _ of [1, 2]) {
    const program = await startProcess({ command: "sh", args, logFile: logFile() });
    expect(await program.exited).toEqual({ code: 3, signal: null });
  }
  expect(await readFile(logFile(), "utf8")).toBe("out\nerr\nout\nerr\n");
});

test("the exit reason is how it ended, and the error line of its own run", async () => {
  await mkdir(join(folder(), "logs"));
  await writeFile(logFile(), "an error of an earlier run\n");
  const args = ["-c", "echo starting; echo 'java.io.IOException: No space left on device' >&2; echo ends; exit 3"];
  const program = await startProcess({ command: "sh", args, logFile: logFile() });
  expect(await program.exitReason()).toBe("exit code 3, java.io.IOException: No space left on device");
  const quiet = await startProcess({ command: "sh", args: ["-c", "exit 4"], logFile: logFile() });
  expect(await quiet.exitReason()).toBe("exit code 4");
  const killed = await startProcess({ command: "sleep", args: ["1000"], logFile: logFile() });
  await killed.kill();
  expect(await killed.exitReason()).toBe("SIGKILL");
});

test("of a long log only the end is read", async () => {
  const args = ["-c", "yes 'a line of no interest' | head -n 100000; echo it failed; seq 50"];
  const program = await startProcess({ command: "sh", args, logFile: logFile() });
  expect(await program.exitReason()).toBe("exit code 0, it failed");
  expect(await program.logTail(2)).toBe("49\n50");
});

test("stop() ends the whole group, and the pid is that of the program itself", async () => {
  const script = `echo "self $$"; sleep 1000 & echo "child $!"; wait`;
  const program = await startProcess({ command: "sh", args: ["-c", script], logFile: logFile() });
  await until(() => logHas("child"));
  const [, self, child] = /self (\d+)\nchild (\d+)/.exec(await readFile(logFile(), "utf8")) ?? [];
  expect(Number(self)).toBe(program.pid);
  expect(await program.stop()).toEqual({ code: null, signal: "SIGTERM" });
  await until(() => !isAlive(Number(child)) && !isAlive(-program.pid));
});

test("a program deaf to SIGTERM is killed after the grace, a stopped one needs no kill", async () => {
  const deaf = `trap '' TERM; echo ready; while :; do sleep 0.1; done`;
  const program = await startProcess({ command: "sh", args: ["-c", deaf], logFile: logFile(), graceMs: 200 });
  await until(() => logHas("ready"));
  expect((await program.stop()).signal).toBe("SIGKILL");

  const stopped = await startProcess({ command: "sleep", args: ["1000"], logFile: logFile() });
  process.kill(stopped.pid, "SIGSTOP");
  expect((await stopped.stop()).signal).toBe("SIGTERM");
  expect(stopped.running).toBe(false);
});

test("kill() is SIGKILL, and stop() after the end is no error", async () => {
  const program = await startProcess({ command: "sleep", args: ["1000"], logFile: logFile() });
  expect((await program.kill()).signal).toBe("SIGKILL");
  expect((await program.stop()).signal).toBe("SIGKILL");
});

test("a missing program or folder is named", async () => {
  await expect(startProcess({ command: "no-such-program", logFile: logFile() })).rejects.toThrow(
    "Can't start no-such-program: not found, or not executable",
  );
  await expect(startProcess({ command: "sleep", cwd: "/no/such/folder", logFile: logFile() })).rejects.toThrow(
    "Can't start sleep",
  );
});

test("kill -9 of the parent takes the child along", async () => {
  const script = join(folder(), "parent.ts");
  const command = { command: "sleep", args: ["1000"], logFile: logFile() };
  await writeFile(
    script,
    `import { startProcess } from ${JSON.stringify(join(import.meta.dirname, "guarded-process.ts"))};
     console.log((await startProcess(${JSON.stringify(command)})).pid);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [pid] = await once(parent.stdout, "data");
  expect(isAlive(Number(pid))).toBe(true);
  parent.kill("SIGKILL");
  await until(() => !isAlive(Number(pid)));
});
