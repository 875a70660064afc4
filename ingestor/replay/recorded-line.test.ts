import { expect, test } from "vitest";
import { LineError, readLine } from "./recorded-line.ts";

const record = { text: "{}", received: 1618678263010, connection: null, logged: 1618678263010, where: "line 3" };

test("a frame, with or without its connection", () => {
  expect(readLine('{"recv":1618678263.0109999999,"frame":"{}"}', 3)).toEqual(record);
  const named = '{"recv":1.61867826301e9,"frame":"{}","kind":"frame","connection":"c"}';
  expect(readLine(named, 3)).toEqual({ ...record, connection: "c" });
  expect(readLine('{"recv":null,"frame":"{}"}', 3)).toMatchObject({ received: null });
});

test("a body, with what was asked", () => {
  const line = '{"recv":1618678263.01,"frame":"[]","kind":"rest","instrument":"upbit:BTC-KRW","path":"/v1"}';
  expect(readLine(line, 3)).toEqual({ ...record, text: "[]", instrument: "upbit:BTC-KRW" });
});

test("a blank line is nothing", () => {
  expect(readLine(" \r", 1)).toBeUndefined();
});

test.each([
  ["{", /^the line is not JSON: /],
  ["[]", /expected object/],
  ['{"recv":1}', /^frame: the frame's text$/],
  ['{"recv":-1,"frame":""}', /^recv: seconds since 1970, or null$/],
  ['{"recv":1,"frame":"","kind":"rest"}', /^instrument: needed with kind rest/],
])("%s is bad", (line, reason) => {
  expect(() => readLine(line, 1)).toThrow(LineError);
  expect(() => readLine(line, 1)).toThrow(reason);
});
