/** What the machine takes for the least there is to do: a figure of ours says more as a multiple of it. */

/** How long a loop runs, ms of processor time. */
const LOOP = 500;

/** µs of processor time that JSON.parse takes of a text, for each of the `parts` in it. */
export function bareParse(text: string, parts = 1): number {
  return bareLoop(() => JSON.parse(text)) / parts;
}

/** µs of processor time that one call takes. */
export function bareLoop(call: () => unknown): number {
  // The first ones are compiled.
  for (let i = 0; i < 1000; i += 1) call();
  const before = process.cpuUsage();
  for (let calls = 0, took = 0; ; ) {
    for (let i = 0; i < 100; i += 1) call();
    calls += 100;
    const { user, system } = process.cpuUsage(before);
    took = user + system;
    if (took > LOOP * 1000) return took / calls;
  }
}
