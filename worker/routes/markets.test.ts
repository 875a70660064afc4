import { expect, it } from "vitest";
import { marketsBody } from "../../protocol/rest.ts";
import { get, list } from "../testing/requests.ts";

it("shows markets at once after they were put, by filter, with an ETag", async () => {
  await list("korbit", "BTC", "ETH", "币安人生");
  const response = await get("/v1/markets?exchange=korbit&base=ETH,币安人生");
  const { markets } = marketsBody.parse(await response.json());
  expect(markets.map(({ base }) => base)).toEqual(["ETH", "币安人生"]);
  const etag = response.headers.get("ETag") ?? "";
  expect(etag).not.toBe("");
  const again = await get("/v1/markets?exchange=korbit&base=ETH,币安人生", { "If-None-Match": etag });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  await list("korbit", "BTC");
  const { markets: fewer } = marketsBody.parse(await (await get("/v1/markets?exchange=korbit")).json());
  expect(fewer).toHaveLength(1);
});
