import { expect, test } from "vitest";
import { errorFrame, readRequest } from "./request.ts";

test("reads what may be asked for", () => {
  expect(readRequest(`{"method":"SUBSCRIBE","params":["btcusdt@trade","!miniTicker@arr"],"id":1}`)).toEqual({
    kind: "subscribe",
    id: 1,
    streams: ["btcusdt@trade", "!miniTicker@arr"],
  });
  expect(readRequest(`{"method":"UNSUBSCRIBE","params":["btcusdt@depth@100ms"],"id":"a1"}`)).toMatchObject({
    id: "a1",
  });
  expect(readRequest(`{"method":"LIST_SUBSCRIPTIONS","id":null}`)).toEqual({ kind: "list", id: null });
  expect(readRequest(`{"method":"GET_PROPERTY","params":["combined"],"id":2}`)).toEqual({ kind: "isCombined", id: 2 });
  expect(readRequest(`{"method":"SET_PROPERTY","params":["combined",true],"id":5}`)).toEqual({
    kind: "combine",
    id: 5,
    combined: true,
  });
});

test.each([
  ["nonsense", `{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}`],
  [`{"method":"SUBSCRIBE","params":["a@b"]}`, "request ID must be an unsigned integer"],
  [`{"method":"SUBSCRIBE","params":["a@b"],"id":1.5}`, "request ID must be an unsigned integer"],
  [`{"id":1}`, `{"error":{"code":2,"msg":"Invalid request: missing field \`method\` at line 1 column 8"},"id":1}`],
  [`{"method":"subscribe","id":1}`, "unknown variant `subscribe`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`"],
  [`{"method":"SUBSCRIBE","params":"a@b","id":1}`, "params must be an array"],
  [`{"method":"SUBSCRIBE","params":[],"id":1}`, "at least one stream"],
  [`{"method":"SUBSCRIBE","params":[1],"id":1}`, "a stream name must be a string"],
  [`{"method":"SUBSCRIBE","params":["btcusdt"],"id":1}`, "is no stream name"],
  [`{"method":"LIST_SUBSCRIPTIONS","params":["a@b"],"id":1}`, "too many parameters"],
  [`{"method":"SET_PROPERTY","params":["combined",true,1],"id":1}`, "too many parameters"],
  [`{"method":"SET_PROPERTY","params":[],"id":1}`, "property name must be a string"],
  [`{"method":"SET_PROPERTY","params":["colour",true],"id":1}`, `{"error":{"code":0,"msg":"Unknown property"},"id":1}`],
  [
    `{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}`,
    `"code":1,"msg":"Invalid value type: expected Boolean"`,
  ],
])("%s is refused", (text, said) => {
  const request = readRequest(text);
  const answer = request.kind === "error" ? errorFrame(request.code, request.message, request.id) : "";
  expect(JSON.parse(answer)).toBeTypeOf("object");
  expect(answer.replaceAll('\\"', '"')).toContain(said);
});
