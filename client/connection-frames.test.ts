import { expect, it, vi } from "vitest";
import { finalError, obey } from "./connection-frames.ts";

function setup() {
  const socket = { send: vi.fn(), later: vi.fn((_delay: number, act: () => void) => act()), drop: vi.fn() };
  const handlers = { onStatus: vi.fn() };
  return { socket, handlers };
}

it("answers a probe, passes a status on, and reconnects within the time that it is given", () => {
  const { socket, handlers } = setup();
  const status = { op: "status", exchange: "upbit", state: "live", source: "live", since: 1, asOf: 2 } as const;
  const frames = [{ op: "probe", id: 7 }, status, { op: "reconnect", within: 5000, reason: "deploy" }] as const;
  expect(frames.map((frame) => obey(frame, socket, handlers))).toEqual([true, true, true]);
  expect(socket.send.mock.calls).toEqual([['{"op":"ack","id":7}']]);
  expect(handlers.onStatus.mock.calls).toEqual([[status]]);
  expect(socket.later.mock.calls[0]?.[0]).toBeLessThanOrEqual(5000);
  expect(socket.drop.mock.calls).toEqual([["asked to", 0]]);
});

it("leaves what is of the streams to the connection", () => {
  const { socket, handlers } = setup();
  expect(obey({ op: "data", data: [] }, socket, handlers)).toBe(false);
});

it("says why a connection is over: what the server said, its reason, or its code", () => {
  const said = { code: "unauthorized", message: "this token has expired", retryable: true };
  expect(finalError(4201, "expired", said)).toEqual({ ...said, retryable: false });
  expect(finalError(4201, "expired", undefined)).toEqual({ code: "closed", message: "expired", retryable: false });
  expect(finalError(4201, "", undefined).message).toBe("the server closed the connection with 4201");
});
