/** CPU time of other processes, which the load of the machine does not distort. Linux only: other systems report it too coarsely. */

import { readdir, readFile } from "node:fs/promises";

/** The processes of a group that run a program. @throws where there is no `/proc` */
export async function processesOf(group: number, program: string): Promise<number[]> {
  const found = await Promise.all((await pids()).map(async (pid) => ({ pid, ...(await identity(pid)) })));
  return found.filter((one) => one.group === group && one.program === program).map(({ pid }) => pid);
}

/** The processes that a process has started itself, and that run a program. @throws where there is no `/proc` */
export async function childrenOf(parent: number, program: string): Promise<number[]> {
  const found = await Promise.all((await pids()).map(async (pid) => ({ pid, ...(await identity(pid)) })));
  return found.filter((one) => one.parent === parent && one.program === program).map(({ pid }) => pid);
}

/** How long all threads of a process have run so far, ms. */
export async function processorTime(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(threads.map((thread) => unlessGone(`/proc/${pid}/task/${thread}/schedstat`)));
  return times.reduce((sum, line) => sum + Number(line.split(" ")[0]) / 1e6, 0);
}

async function pids(): Promise<number[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function identity(pid: number): Promise<{ program: string; parent: number; group: number }> {
  const line = await unlessGone(`/proc/${pid}/stat`);
  // The name stands in brackets and may hold anything; then come state, parent and group.
  const [, , parent, group] = line.slice(line.lastIndexOf(")")).split(" ");
  return {
    program: line.slice(line.indexOf("(") + 1, line.lastIndexOf(")")),
    parent: Number(parent),
    group: Number(group),
  };
}

async function unlessGone(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  }
}
