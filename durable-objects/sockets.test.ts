import { expect, it } from "vitest";
import { ProtocolError } from "../protocol/errors.ts";
import { ingestReport } from "../protocol/ingest.ts";
import { answerClose, readFrame, refusedUpgrade, sendOrDrop } from "./sockets.ts";

function pair(): [near: WebSocket, far: WebSocket] {
  const { 0: near, 1: far } = new WebSocketPair();
  near.accept();
  far.accept();
  return [near, far];
}

const closing = (ws: WebSocket) =>
  new Promise<CloseEvent>((resolve) => ws.addEventListener("close", resolve, { once: true }));

it.each([
  [1000, 1000],
  [4000, 4000],
  [1004, 1011],
  [1005, 1005],
  [1006, 1011],
  [1015, 1011],
  [0, 1011],
  [70_000, 1011],
])("answers a close of %i with %i", async (code, answer) => {
  const [near, far] = pair();
  const closed = closing(far);
  answerClose(near, code);
  expect((await closed).code).toBe(answer);
  expect(() => answerClose(near, code)).not.toThrow();
});

it("drops what a closed socket can't take", () => {
  const [near] = pair();
  expect(sendOrDrop(near, "x")).toBe(true);
  near.close(1000);
  expect(sendOrDrop(near, "x")).toBe(false);
});

it("accepts a refused socket, says why and closes; a reason too long for a close is the code alone", async () => {
  for (const message of ["there is no such thing", "비".repeat(60)]) {
    const ws = refusedUpgrade(new ProtocolError("unknown_instrument", message)).webSocket;
    if (ws === null) throw new TypeError("a socket");
    const said = new Promise<MessageEvent>((resolve) => ws.addEventListener("message", resolve));
    const closed = closing(ws);
    ws.accept();
    expect(JSON.parse(String((await said).data))).toMatchObject({ op: "error", code: "unknown_instrument", message });
    const { code, reason } = await closed;
    expect(code).toBe(4204);
    expect(reason).toBe(message.length > 30 ? "unknown_instrument" : `unknown_instrument: ${message}`);
  }
});

it("reads a pusher's frame, or says what is wrong with it", () => {
  expect(readFrame(ingestReport, "not json")).toBeInstanceOf(ProtocolError);
  expect(readFrame(ingestReport, '{"kafka":"up"}')).toMatchObject({ message: expect.stringContaining("status") });
});
