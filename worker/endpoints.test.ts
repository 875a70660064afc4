import { expect, it } from "vitest";
import { endpointsOf } from "./endpoints.ts";

const NAMED = "https://a.test, http://localhost:8787";

it.each([
  [NAMED, "https://a.test/v1/info", "wss://a.test/v1/stream", "https://a.test/v1"],
  [NAMED, "http://localhost:8787/v1/info", "ws://localhost:8787/v1/stream", "http://localhost:8787/v1"],
  [NAMED, "https://evil.test/v1/info", "wss://a.test/v1/stream", "https://a.test/v1"],
  [NAMED, "http://localhost:1/v1/info", "wss://a.test/v1/stream", "https://a.test/v1"],
  [NAMED, "http://a b/v1/info", "wss://a.test/v1/stream", "https://a.test/v1"],
  ["https://a.test/", "https://a.test/", "wss://a.test/v1/stream", "https://a.test/v1"],
  [undefined, "https://evil.test/v1/info", "/v1/stream", "/v1"],
  ["", "https://evil.test/v1/info", "/v1/stream", "/v1"],
])("named %j and asked at %s: %s", (named, asked, stream, rest) => {
  expect(endpointsOf(named, asked)).toEqual({ stream, sse: `${rest}/sse`, rest });
});

it("does not hide a name that is none", () => {
  expect(() => endpointsOf("a.test", "https://a.test/")).toThrow(TypeError);
});
