import { afterEach, expect, it } from "vitest";
import { EventReader } from "../protocol/testing/event-reader.ts";
import { eventStream, type StreamLimits } from "./event-stream.ts";

const LIMITS: StreamLimits = {
  keepAlive: 60_000,
  lifetime: 60_000,
  queue: 100_000,
  behind: 50_000,
  patience: 60_000,
  retry: 2000,
};
const TEXT = "event: data\ndata: 1\n\n";

const open: WebSocket[] = [];
afterEach(() => {
  for (const ws of open.splice(0)) if (ws.readyState === WebSocket.OPEN) ws.close();
});

/** A relay's end of a socket, and what comes of it. */
function streaming(limits: Partial<StreamLimits> = {}, first?: string) {
  const [near, far] = Object.values(new WebSocketPair());
  if (near === undefined || far === undefined) throw new Error("a WebSocketPair has two ends");
  far.accept();
  open.push(far);
  const closed = new Promise<number>((resolve) => far.addEventListener("close", ({ code }) => resolve(code)));
  const reader = eventStream(near, first, { ...LIMITS, ...limits }).getReader();
  return { relay: far, closed, reader };
}

/** Reads until the stream ends. */
async function all(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

it("copies what comes, after when to come back and what stands before, and ends with the socket", async () => {
  const { relay, reader, closed } = streaming({}, "event: control\ndata: {}\n\n");
  relay.send(TEXT);
  relay.send("id: k-0:5\n\n");
  relay.close(4000, "restarting");
  const text = await all(reader);
  expect(text).toMatch(/^retry: \d{4}\n\nevent: control\n/);
  expect(text.endsWith(`${TEXT}id: k-0:5\n\n`)).toBe(true);
  const events = new EventReader(() => undefined);
  events.take(text);
  expect(events.retry).toBeGreaterThanOrEqual(2000);
  expect(events.retry).toBeLessThanOrEqual(4000);
  expect(await closed).toBe(4000);
});

it("keeps a quiet connection from being taken for dead", async () => {
  const { reader } = streaming({ keepAlive: 20 });
  await reader.read();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe(":\n\n");
});

it("ends when its time is over, and leaves the relay", async () => {
  const { reader, closed } = streaming({ lifetime: 30 });
  expect(await all(reader)).toMatch(/^retry: /);
  expect(await closed).toBe(1000);
});

it("leaves the relay when the reader has gone", async () => {
  const { reader, closed } = streaming();
  await reader.read();
  await reader.cancel();
  expect(await closed).toBe(1001);
});

it("lets go of a reader for which too much waits, and gives up what does", async () => {
  const { relay, reader, closed } = streaming();
  const large = `:${"x".repeat(30_000)}\n\n`;
  for (let i = 0; i < 4; i += 1) relay.send(large);
  expect(await closed).toBe(1001);
  await expect(reader.read()).rejects.toThrow("takes less than it is sent");
});

it("lets go of a reader that has been behind for too long, and not of one that catches up", async () => {
  const { relay, reader, closed } = streaming({ patience: 50, keepAlive: 20 });
  const large = `:${"x".repeat(60_000)}\n\n`;
  relay.send(large);
  let read = "";
  while (!read.endsWith(`${large}:\n\n`)) read += new TextDecoder().decode((await reader.read()).value);
  relay.send(large);
  // From here on nobody reads; the comments alone find it out.
  expect(await closed).toBe(1001);
  await expect(reader.read()).rejects.toThrow("takes less than it is sent");
});

it("holds what is left for a reader that has stopped reading no longer than for one that is behind", async () => {
  const { relay, reader, closed } = streaming({ patience: 50 });
  for (let i = 0; i < 3; i += 1) relay.send(TEXT);
  relay.close(1000);
  await closed;
  await expect(reader.closed).rejects.toThrow("takes less than it is sent");
});
