import { SELF } from "cloudflare:test";
import { expect, it } from "vitest";
import { LIMITS } from "../../protocol/limits.ts";
import { infoBody } from "../../protocol/rest.ts";
import { get, HOST } from "../testing/requests.ts";

it("says what a client needs to know", async () => {
  const info = infoBody.parse(await (await get("/v1/info")).json());
  expect(info).toMatchObject({
    name: "tickcast",
    limits: LIMITS,
    mode: "direct",
    endpoints: { stream: "wss://tickcast.test/v1/stream", sse: `${HOST}/v1/sse`, rest: `${HOST}/v1` },
  });
});

it("sends nobody to a host that only the request names", async () => {
  const text = await (await SELF.fetch("https://evil.test/v1/info")).text();
  expect(text).not.toContain("evil");
  expect(infoBody.parse(JSON.parse(text)).endpoints.rest).toBe(`${HOST}/v1`);
});
