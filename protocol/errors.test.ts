import { describe, expect, it } from "vitest";
import { afterClose, closeCode, ERRORS, type ErrorCode, errorBody, ProtocolError } from "./errors.ts";

const codes = Object.keys(ERRORS).filter((code): code is ErrorCode => code in ERRORS);

describe("the catalogue", () => {
  it.each(codes)("%s: the range of its close code says whether to retry", (code) => {
    const { close, status, retryable } = ERRORS[code];
    expect(afterClose(closeCode(code)) !== "stop").toBe(retryable);
    if (status !== null) expect(status >= 500 || status === 429).toBe(retryable);
    if (close !== null) expect(close).toBeGreaterThanOrEqual(4000);
  });
});

it("afterClose goes by the range, also for codes to come", () => {
  expect([1000, 1006, 4000, 4099].map(afterClose)).toEqual(Array(4).fill("reconnect"));
  expect([4100, 4199].map(afterClose)).toEqual(["back_off", "back_off"]);
  expect([4200, 4299].map(afterClose)).toEqual(["stop", "stop"]);
});

it("an error says its own body", () => {
  const body = { code: "restarting", message: "catching up", retryable: true };
  expect(errorBody("restarting", "catching up")).toEqual(body);
  expect(new ProtocolError("restarting", "catching up").body).toEqual(body);
  expect(closeCode("too_many_streams")).toBe(4200);
});
