import { expect, test } from "vitest";
import { LineError, readLine } from "./recorded-line.ts";

test("a frame, with or without what the raw log says of it", () => {
  const frame = { frame: "{}", received: 1618678263010 };
  expect(readLine('{"recv":1618678263.0109999999,"frame":"{}"}')).toEqual(frame);
  const named = '{"recv":1.61867826301e9,"frame":"{}","kind":"frame","connection":"c","sent":1}';
  expect(readLine(named)).toEqual({ ...frame, kind: "frame", connection: "c" });
  expect(readLine('{"recv":null,"frame":"{}"}')).toMatchObject({ received: null });
});

test("a body, with what it is about", () => {
  const line = '{"recv":1618678263.01,"frame":"[]","kind":"rest","instrument":"upbit:BTC-KRW","path":"/v1"}';
  expect(readLine(line)).toEqual({
    ...{ frame: "[]", received: 1618678263010 },
    ...{ kind: "rest", instrument: "upbit:BTC-KRW" },
  });
});

test("a blank line is nothing", () => {
  expect(readLine(" \r")).toBeUndefined();
});

test.each([
  ["{", /^the line is not JSON: /],
  ["[]", /expected object/],
  ['{"recv":1}', /^frame: the frame's text$/],
  ['{"recv":-1,"frame":""}', /^recv: seconds since 1970, or null$/],
  ['{"recv":true,"frame":""}', /^recv: seconds since 1970, or null$/],
  ['{"recv":1618678263010,"frame":""}', /^recv: seconds since 1970, and these look like milliseconds$/],
])("%s is bad", (line, reason) => {
  expect(() => readLine(line)).toThrow(LineError);
  expect(() => readLine(line)).toThrow(reason);
});
